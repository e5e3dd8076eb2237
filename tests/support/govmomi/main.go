// Imports a package as others' tools do: with govmomi's own reading of archive and descriptor, its
// import spec and its lease, which are what `govc import.ova` calls.
//
// Arguments: the address, the authority's file, the package, the machine's name, the resource pool, the network.
// The account and its password come from the environment. Prints what it found, as JSON.
package main

import (
	"archive/tar"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/ioutil"
	"log"
	"net/url"
	"os"
	"strings"

	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/ovf"
	"github.com/vmware/govmomi/session"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

type report struct {
	Properties []string
	Sizes      []string
	Networks   []string
	Warnings   []string
	Sent       map[string]int64
	Power      string
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// part opens the first file of the archive whose name ends so.
func part(path, suffix string) (*os.File, io.Reader, *tar.Header) {
	file, err := os.Open(path)
	must(err)
	archive := tar.NewReader(file)
	for {
		header, err := archive.Next()
		must(err)
		if strings.HasSuffix(header.Name, suffix) {
			return file, archive, header
		}
	}
}

func read(path string) (string, *ovf.Envelope) {
	file, stream, _ := part(path, ".ovf")
	defer file.Close()
	text, err := ioutil.ReadAll(stream)
	must(err)
	envelope, err := ovf.Unmarshal(strings.NewReader(string(text)))
	must(err)
	return string(text), envelope
}

func found(envelope *ovf.Envelope) *report {
	made := &report{Sent: map[string]int64{}}
	for _, product := range envelope.VirtualSystem.Product {
		for _, property := range product.Property {
			key := property.Key
			if product.Class != nil && *product.Class != "" {
				key = *product.Class + "." + key
			}
			made.Properties = append(made.Properties, key)
		}
	}
	for _, size := range envelope.DeploymentOption.Configuration {
		made.Sizes = append(made.Sizes, size.ID)
	}
	for _, network := range envelope.Network.Networks {
		made.Networks = append(made.Networks, network.Name)
	}
	return made
}

func connect(ctx context.Context, address, authority string) *vim25.Client {
	at := &url.URL{Scheme: "https", Host: address, Path: "/sdk"}
	line := soap.NewClient(at, false)
	must(line.SetRootCAs(authority))
	client, err := vim25.NewClient(ctx, line)
	must(err)
	who := url.UserPassword(os.Getenv("VCENTER_ACCOUNT"), os.Getenv("VCENTER_PASSWORD"))
	must(session.NewManager(client).Login(ctx, who))
	return client
}

func main() {
	ctx := context.Background()
	address, authority, path, name, poolName, networkName :=
		os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	text, envelope := read(path)
	made := found(envelope)

	client := connect(ctx, address, authority)
	finder := find.NewFinder(client, true)
	center, err := finder.DefaultDatacenter(ctx)
	must(err)
	finder.SetDatacenter(center)
	folders, err := center.Folders(ctx)
	must(err)
	pool, err := finder.ResourcePool(ctx, poolName)
	must(err)
	store, err := finder.DefaultDatastore(ctx)
	must(err)
	network, err := finder.Network(ctx, networkName)
	must(err)

	mapping := []types.OvfNetworkMapping{}
	for _, each := range made.Networks {
		mapping = append(mapping, types.OvfNetworkMapping{Name: each, Network: network.Reference()})
	}
	params := types.OvfCreateImportSpecParams{
		DiskProvisioning: "thin",
		EntityName:       name,
		NetworkMapping:   mapping,
		PropertyMapping:  []types.KeyValue{{Key: "network.hostname", Value: "registry.example.com"}},
	}
	spec, err := ovf.NewManager(client).CreateImportSpec(ctx, text, pool, store, params)
	must(err)
	if len(spec.Error) > 0 {
		log.Fatal(spec.Error[0].LocalizedMessage)
	}
	for _, each := range spec.Warning {
		made.Warnings = append(made.Warnings, each.LocalizedMessage)
	}
	lease, err := pool.ImportVApp(ctx, spec.ImportSpec, folders.VmFolder, nil)
	must(err)
	info, err := lease.Wait(ctx, spec.FileItem)
	must(err)
	updater := lease.StartUpdater(ctx, info)
	for _, item := range info.Items {
		file, stream, header := part(path, item.Path)
		must(lease.Upload(ctx, item, stream, soap.Upload{ContentLength: header.Size}))
		made.Sent[item.Path] = header.Size
		file.Close()
	}
	updater.Done()
	must(lease.Complete(ctx))

	machine, err := finder.VirtualMachine(ctx, name)
	must(err)
	task, err := machine.PowerOn(ctx)
	must(err)
	must(task.Wait(ctx))
	state, err := machine.PowerState(ctx)
	must(err)
	made.Power = string(state)
	must(session.NewManager(client).Logout(ctx))
	answer, err := json.Marshal(made)
	must(err)
	fmt.Println(string(answer))
}
