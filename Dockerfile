# One image for every role: `parley api`, `parley worker`, `parley migrate`, …

FROM node:20.20-bookworm-slim AS web
WORKDIR /src
COPY api/openapi.yaml api/openapi.yaml
COPY web/inbox web/inbox
COPY web/widget web/widget
RUN cd web/inbox && npm ci --no-audit --no-fund && npm run build
RUN cd web/widget && npm ci --no-audit --no-fund && npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/inbox/dist web/inbox/dist
COPY --from=web /src/web/widget/dist web/widget/dist
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w" -o /out/parley ./cmd/parley

FROM alpine:3.22
RUN apk add --no-cache ca-certificates tzdata && adduser -D -H -u 10001 parley
COPY --from=build /out/parley /usr/local/bin/parley
USER 10001:10001
# 8080: inbox, API, widget, webhooks of an api node. 9090: health and metrics of a worker, with PARLEY_OPS_LISTEN.
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["parley"]
CMD ["api"]
