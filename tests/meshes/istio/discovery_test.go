// Package meshes runs Istio's discovery server without a cluster: an Envoy takes its configuration from a port on loopback.
// Istio has the server as a part of its tests alone, so that this is one too.
package meshes

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
)

// TestServe serves the manifests of the file ORIGIN_GATE_MANIFESTS, under the mesh configuration of the file ORIGIN_GATE_MESH. It reads the
// manifests again at SIGHUP, and ends at SIGTERM.
func TestServe(t *testing.T) {
	file := os.Getenv("ORIGIN_GATE_MANIFESTS")
	if file == "" {
		t.Skip("ORIGIN_GATE_MANIFESTS names no file")
	}
	settings, err := mesh.ApplyMeshConfigDefaults(read(t, os.Getenv("ORIGIN_GATE_MESH")))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGTERM)
	server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
		ConfigString:    read(t, file),
		MeshConfig:      settings,
		ListenerBuilder: func() (net.Listener, error) { return listener, nil },
	})
	fmt.Println("discovery on", listener.Addr())
	for signal := range signals {
		if signal == syscall.SIGTERM {
			return
		}
		put(t, server, read(t, file))
	}
}

// put makes the server's objects those of the manifests. One that lost its name stays: nothing here takes any away.
func put(t *testing.T, server *xds.FakeDiscoveryServer, manifests string) {
	objects, _, err := crd.ParseInputs(manifests)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if object.Namespace == "" {
			object.Namespace = "default"
		}
		if err := write(server, object); err != nil {
			t.Fatal(object.Name, err)
		}
	}
}

func write(server *xds.FakeDiscoveryServer, object config.Config) error {
	old := server.Store().Get(object.GroupVersionKind, object.Name, object.Namespace)
	if old == nil {
		_, err := server.Store().Create(object)
		return err
	}
	object.ResourceVersion = old.ResourceVersion
	_, err := server.Store().Update(object)
	return err
}

func read(t *testing.T, file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
