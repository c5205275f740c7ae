# docker build --build-arg VERSION=v1.0.0 --tag gonogo .
# docker run -v gonogo-data:/data -p 8080:8080 --env-file gonogo.env gonogo

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.release=${VERSION}" -o /out/gonogo ./cmd/gonogo
# An empty directory to give /data its owner: a volume takes it over.
RUN mkdir /out/data

# static: no shell, no libc; CA certificates, time zones and a non-root account.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/gonogo /usr/bin/gonogo
COPY --from=build --chown=65532:65532 /out/data /data
ENV GONOGO_DATABASE_URL=sqlite:/data/gonogo.db
VOLUME /data
WORKDIR /data
EXPOSE 8080
USER 65532:65532
# SIGTERM stops it gracefully within ten seconds. There is no HEALTHCHECK: the
# image has no shell to run one; ask GET /readyz from outside.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/gonogo"]
CMD ["serve"]
