package main

import (
	"fmt"
	"net"
	"strconv"
	"time"

	"go.temporal.io/server/common/authorization"
	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

const (
	loopback    = "127.0.0.1"
	clusterName = "active"
)

// ports are the listening ports; every service has its own.
type ports struct {
	services map[primitives.ServiceName]int
	ui       int
}

func (p ports) frontendAddress() string { return p.address(primitives.FrontendService) }

func (p ports) uiURL() string { return "http://" + net.JoinHostPort(loopback, strconv.Itoa(p.ui)) }

func (p ports) address(service primitives.ServiceName) string {
	return net.JoinHostPort(loopback, strconv.Itoa(p.services[service]))
}

// choosePorts fills in free ports. All are held until the last one is chosen, so that they differ.
func choosePorts(frontend, ui int) (ports, error) {
	p := ports{services: map[primitives.ServiceName]int{primitives.FrontendService: frontend}, ui: ui}
	free := func(wanted int) (int, func(), error) {
		if wanted != 0 {
			return wanted, func() {}, nil
		}
		listener, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
		if err != nil {
			return 0, nil, fmt.Errorf("choose a free port: %w", err)
		}
		return listener.Addr().(*net.TCPAddr).Port, func() { _ = listener.Close() }, nil
	}

	for _, service := range []primitives.ServiceName{
		primitives.FrontendService, primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
	} {
		port, release, err := free(p.services[service])
		if err != nil {
			return ports{}, err
		}
		defer release()
		p.services[service] = port
	}
	port, release, err := free(p.ui)
	if err != nil {
		return ports{}, err
	}
	defer release()
	p.ui = port
	return p, nil
}

func newLogger(level string) log.Logger {
	return log.NewZapLogger(log.BuildZapLogger(log.Config{Level: level, Format: "console"}))
}

func newServer(s *stores, p ports, shards int, logger log.Logger) (temporal.Server, error) {
	cfg := &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     "main",
			VisibilityStore:  "visibility",
			NumHistoryShards: int32(shards),
			DataStores: map[string]config.DataStore{
				"main":       {SQL: s.main},
				"visibility": {SQL: s.visibility},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: p.frontendAddress()},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            map[string]config.Service{},
		PublicClient:        config.PublicClient{HostPort: p.frontendAddress()},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchival{State: config.ArchivalDisabled},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: config.ArchivalDisabled},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: config.ArchivalDisabled},
		}},
	}
	hosts := make(map[primitives.ServiceName]static.Hosts, len(p.services))
	for service, port := range p.services {
		cfg.Services[string(service)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: loopback}}
		hosts[service] = static.Hosts{All: []string{p.address(service)}, Self: p.address(service)}
	}

	return temporal.NewServer(
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithConfig(cfg),
		temporal.WithLogger(logger),
		temporal.WithStaticHosts(hosts),
		temporal.WithDynamicConfigClient(dynamicConfig()),
		temporal.WithAuthorizer(authorization.NewNoopAuthorizer()),
	)
}

// dynamicConfig is the server's own defaults but for one machine: a task queue needs no partitions, because a task
// and the worker that waits for it would only have to find each other across them.
func dynamicConfig() dynamicconfig.StaticClient {
	return dynamicconfig.StaticClient{
		dynamicconfig.MatchingNumTaskqueueReadPartitions.Key():      1,
		dynamicconfig.MatchingNumTaskqueueWritePartitions.Key():     1,
		dynamicconfig.EnableServerVersionCheck.Key():                false,
		dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
		dynamicconfig.NamespaceCacheRefreshInterval.Key():           time.Second,
	}
}
