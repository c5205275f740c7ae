package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gonogo/internal/app"
	"gonogo/internal/ledger"
	"gonogo/internal/store"
)

func newLedger() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Prove and export what was decided, judged and done",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newLedgerVerify(), newLedgerExport(), newLedgerKey(), newLedgerRestore(), newLedgerErase())
	return cmd
}

// fromEnv adds a flag that an environment variable of the server fills, too.
func fromEnv(cmd *cobra.Command, into *string, flag, env, otherwise, help string) {
	value := os.Getenv(env)
	if value == "" {
		value = otherwise
	}
	cmd.Flags().StringVar(into, flag, value, fmt.Sprintf("%s (%s)", help, env))
}

func databaseFlag(cmd *cobra.Command, into *string) {
	fromEnv(cmd, into, "database", "GONOGO_DATABASE_URL", "sqlite:gonogo.db", "the database: sqlite:PATH")
}

func newLedgerVerify() *cobra.Command {
	var database, checkpoints, key string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove the ledger's chain, and name the first bad entry",
		Long: `Verify proves the ledger entry by entry, beside a running server too. With the
checkpoints that the server signed and the public key that "gonogo ledger key"
printed it also finds entries that were cut off, and a chain that was written anew.

The exit status is 0 when all holds, 1 when something does not, and 2 when the
ledger could not be read.`,
		Example: "  gonogo ledger verify --checkpoint checkpoints.jsonl --key ed25519:…",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			against, err := readAgainst(checkpoints, key)
			if err != nil {
				return err
			}
			db, err := store.OpenReadOnly(cmd.Context(), database)
			if err != nil {
				return err
			}
			proof, err := ledger.Verify(cmd.Context(), db, against)
			if err := errors.Join(err, db.Close()); err != nil {
				return err
			}
			if _, err := fmt.Fprint(cmd.OutOrStdout(), showProof(proof)); err != nil {
				return err
			}
			if proof.Fault != nil {
				return exitCode(1)
			}
			return nil
		},
	}
	databaseFlag(cmd, &database)
	cmd.Flags().StringVar(&checkpoints, "checkpoint", "", "the file with signed checkpoints")
	cmd.Flags().StringVar(&key, "key", "", "the public key that signed them, or a file that holds it")
	return cmd
}

func readAgainst(checkpoints, key string) (a ledger.Against, err error) {
	if (checkpoints == "") != (key == "") {
		return a, errors.New("checkpoints prove nothing without the key: write --checkpoint FILE --key ed25519:…")
	}
	if checkpoints == "" {
		return a, nil
	}
	data, err := os.ReadFile(checkpoints)
	if err != nil {
		return a, fmt.Errorf("read the checkpoints: %w", err)
	}
	if a.Checkpoints, err = ledger.ParseCheckpoints(data); err != nil {
		return a, err
	}
	if len(a.Checkpoints) == 0 {
		return a, fmt.Errorf("%s holds no checkpoint", checkpoints)
	}
	if text, err := os.ReadFile(key); err == nil {
		key = string(text)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return a, fmt.Errorf("read the key: %w", err)
	}
	a.Key, err = ledger.ParsePublicKey(key)
	return a, err
}

func showProof(p ledger.Proof) string {
	var b strings.Builder
	if p.Fault != nil {
		fmt.Fprintf(&b, "BAD · entry %d: %s\n", p.Fault.Index, p.Fault.What)
		return b.String()
	}
	fmt.Fprintf(&b, "GOOD · %d entries", p.Size)
	if p.Size > 0 {
		fmt.Fprintf(&b, ", the last of %s\nhash %s\n", p.At.Format(time.RFC3339), p.Hash)
	} else {
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "%d texts, %d of them erased\n", p.Texts, p.Erased)
	if p.Adopted > 0 {
		fmt.Fprintf(&b, "the first %d entries are from before the chain: it proves them from when it began\n", p.Adopted)
	}
	if p.Checkpoints > 0 {
		fmt.Fprintf(&b, "%d checkpoints, %d of them given up by a signed RESTORE entry\n", p.Checkpoints, p.Lapsed)
	} else {
		b.WriteString("held against no checkpoint: entries cut off the end, or a chain written anew, would not show\n")
	}
	return b.String()
}

func newLedgerKey() *cobra.Command {
	return &cobra.Command{
		Use:   "key FILE",
		Short: "Make the key that signs checkpoints, and print its public half",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("say where the key shall be kept: gonogo ledger key checkpoint.pem")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := ledger.NewKey(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), ledger.PublicKey(key))
			return err
		},
	}
}

func newLedgerRestore() *cobra.Command {
	var database, to, keyFile, why, by string
	cmd := &cobra.Command{
		Use:   "restore --reason TEXT",
		Short: "Sign that the server goes on with a ledger that is older than its checkpoints",
		Long: `Restore is for the day on which an old backup is all that is left: the server
refuses to start with LEDGER ROLLED BACK. It makes a signed RESTORE entry that says
where ledger and checkpoints part. Stop the server before.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to == "" || keyFile == "" {
				return errors.New("name the place and the key of the checkpoints: --checkpoint-to FILE --checkpoint-key-file FILE")
			}
			key, err := ledger.ReadKey(keyFile)
			if err != nil {
				return err
			}
			place, err := ledger.ParsePlace(to)
			if err != nil {
				return err
			}
			db, err := store.Open(cmd.Context(), database)
			if err != nil {
				return err
			}
			done, err := app.RestoreLedger(cmd.Context(), ledger.New(db), place, key, by, why)
			if err := errors.Join(err, db.Close()); err != nil {
				return err
			}
			said := "A RESTORE entry is signed and in the ledger. Start the server."
			if !done {
				said = "Ledger and checkpoints agree: there is nothing to restore."
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), said)
			return err
		},
	}
	databaseFlag(cmd, &database)
	fromEnv(cmd, &to, "checkpoint-to", "GONOGO_CHECKPOINT_TO", "", "the file of the checkpoints")
	fromEnv(cmd, &keyFile, "checkpoint-key-file", "GONOGO_CHECKPOINT_KEY_FILE", "", "the key that signs them")
	cmd.Flags().StringVar(&why, "reason", "", "why the ledger is older")
	cmd.Flags().StringVar(&by, "by", os.Getenv("USER"), "who restores it")
	return cmd
}

func newLedgerErase() *cobra.Command {
	var database, name, why, by string
	var entry int64
	cmd := &cobra.Command{
		Use:   "erase --entry N --text NAME --reason TEXT",
		Short: "Erase what somebody wrote in their own words; the chain still holds",
		Long: `Erase takes one text of an entry out of the database for good, and enters who did
so and why. The export shows entries and the names of their texts. Stop the server
before; backups keep the text for as long as you keep them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if entry <= 0 || name == "" || why == "" {
				return errors.New("say which text and why: gonogo ledger erase --entry 12 --text reason --reason 'its author asked for it'")
			}
			db, err := store.Open(cmd.Context(), database)
			if err != nil {
				return err
			}
			err = ledger.New(db).Erase(cmd.Context(), entry, name, by, why, time.Now())
			if err == nil {
				err = db.Vacuum(cmd.Context())
			}
			if err := errors.Join(err, db.Close()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "The %s of entry %d is erased.\n", name, entry)
			return err
		},
	}
	databaseFlag(cmd, &database)
	cmd.Flags().Int64Var(&entry, "entry", 0, "the entry's number")
	cmd.Flags().StringVar(&name, "text", "", "the text's name, such as reason")
	cmd.Flags().StringVar(&why, "reason", "", "why it is erased")
	cmd.Flags().StringVar(&by, "by", os.Getenv("USER"), "who erases it")
	return cmd
}

func newLedgerExport() *cobra.Command {
	var database, format, repo, release string
	var number int
	cmd := &cobra.Command{
		Use:   "export --format csv|json",
		Short: "Write what an auditor asks for: evidence, verdicts, people, times, policy",
		Long: `Export writes the ledger, or the part of it that belongs to a repository, a pull
request or a release, with the evaluations on which its verdicts rest. It opens with
its coverage: how all known merges came about, and when the check was required.`,
		Example: "  gonogo ledger export --format csv --repo acme/shop --release v1.4.0 > audit.csv",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			to := map[string]func(io.Writer) ledger.Exporter{"csv": ledger.NewCSV, "json": ledger.NewJSON}[format]
			if to == nil {
				return fmt.Errorf("there is no format %q: write --format csv or --format json", format)
			}
			if (number != 0 || release != "") && repo == "" {
				return errors.New("say of which repository: --repo OWNER/NAME")
			}
			db, err := store.OpenReadOnly(cmd.Context(), database)
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			err = app.ExportLedger(cmd.Context(), db, app.Asked{Repository: repo, Number: number, Release: release}, to(out))
			return errors.Join(err, out.Flush(), db.Close())
		},
	}
	databaseFlag(cmd, &database)
	cmd.Flags().StringVar(&format, "format", "csv", `"csv" or "json"`)
	cmd.Flags().StringVar(&repo, "repo", "", "only this repository, as OWNER/NAME")
	cmd.Flags().IntVar(&number, "pr", 0, "only this pull request")
	cmd.Flags().StringVar(&release, "release", "", "only the release with this tag, and the pull requests in it")
	return cmd
}
