package app

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"

	"github.com/sirupsen/logrus"

	"gonogo/internal/store"
)

// warnVolatile warns when the server runs in a container and its database lies
// on the container's own layer, which goes with the container.
func warnVolatile(databaseURL string, log *logrus.Entry) {
	if !inContainer() {
		return
	}
	path, err := store.Path(databaseURL)
	if err != nil {
		return
	}
	mounts, err := os.Open("/proc/self/mounts")
	if err != nil {
		return
	}
	defer mounts.Close()
	var points []string
	for lines := bufio.NewScanner(mounts); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 2 && fields[2] != "tmpfs" {
			points = append(points, fields[1])
		}
	}
	if abs, err := filepath.Abs(path); err == nil && !onVolume(abs, points) {
		log.WithField("database", path).Warn("the database lies on no volume and will be gone with this container; mount one at /data")
	}
}

func inContainer() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); err == nil {
			return true
		}
	}
	return os.Getenv("KUBERNETES_SERVICE_HOST") != ""
}

// onVolume reports whether path lies below a mount point other than the root.
func onVolume(path string, points []string) bool {
	for _, p := range points {
		if p != "/" && (path == p || strings.HasPrefix(path, strings.TrimSuffix(p, "/")+"/")) {
			return true
		}
	}
	return false
}
