// A vCenter for tests: govmomi's simulator with people of our own.
//
// It reads one JSON document from standard input (see people in tests/support/vcenter.py), prints the
// address it listens on, and then answers the vSphere API there over TLS. Logins are checked in front of
// the simulator, which would let everybody in; the user directory is replaced by one that knows domains,
// groups and what is in them, as vCenter's does. GET /count tells what happened,
// POST /refuse makes one call that is to come fail.
package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

type people struct {
	Listen      string
	Certificate string
	Key         string
	// By name@domain.
	Passwords map[string]string
	// Whose right password does not let them in, for want of any right.
	ShutOut []string
	// The alias of each domain.
	Aliases map[string]string
	// DOMAIN\group and its direct members, people and groups.
	Members map[string][]string
}

type counts struct {
	sync.Mutex
	Logins  int
	Refused int
	Logouts int
	Looks   int
	// Bytes of disks, and leases that were given up.
	Uploaded int
	Aborted  int
	// Names that somebody tried to log in with.
	Names []string
}

// wish is a call that is to fail, once.
type wish struct {
	sync.Mutex
	Call   string
	Fault  string
	Text   string
	Detail string
}

var (
	wished  wish
	known   people
	counted = counts{Names: []string{}}
)

// ovfManager takes disks without a file, as vCenter does; the simulator ends with a panic.
type ovfManager struct {
	simulator.OvfManager
}

var aDisk = regexp.MustCompile(`<Disk [^>]*/>`)

func (m *ovfManager) CreateImportSpec(ctx *simulator.Context, req *types.CreateImportSpec) soap.HasFault {
	req.OvfDescriptor = aDisk.ReplaceAllStringFunc(req.OvfDescriptor, func(disk string) string {
		if strings.Contains(disk, "fileRef") {
			return disk
		}
		return strings.Replace(disk, "<Disk ", `<Disk ovf:fileRef="none" `, 1)
	})
	return m.OvfManager.CreateImportSpec(ctx, req)
}

type directory struct {
	mo.UserDirectory
}

// principal turns name@domain into DOMAIN\name.
func principal(name string) string {
	at := strings.LastIndex(name, "@")
	return known.Aliases[name[at+1:]] + `\` + name[:at]
}

func holds(members []string, name string) bool {
	for _, each := range members {
		if strings.EqualFold(each, name) {
			return true
		}
	}
	return false
}

func group(name string) ([]string, bool) {
	for each, members := range known.Members {
		if strings.EqualFold(each, name) {
			return members, true
		}
	}
	return nil, false
}

// RetrieveUserGroups answers as vCenter does: one domain, direct members alone, principals without domain.
func (d *directory) RetrieveUserGroups(req *types.RetrieveUserGroups) soap.HasFault {
	counted.Lock()
	counted.Looks++
	counted.Unlock()
	alias, ok := known.Aliases[strings.ToLower(req.Domain)]
	if !ok {
		return missing()
	}
	inside, ok := group(req.BelongsToGroup)
	if req.BelongsToGroup != "" && !ok {
		return missing()
	}
	names := map[string]bool{}
	if req.FindUsers {
		for name := range known.Passwords {
			names[principal(name)] = false
		}
	}
	if req.FindGroups {
		for name := range known.Members {
			names[name] = true
		}
	}
	var found []types.BaseUserSearchResult
	for name, isGroup := range names {
		parts := strings.SplitN(name, `\`, 2)
		text, wanted := strings.ToLower(parts[1]), strings.ToLower(req.SearchStr)
		if !strings.EqualFold(parts[0], alias) ||
			req.ExactMatch && text != wanted || !strings.Contains(text, wanted) ||
			req.BelongsToGroup != "" && !holds(inside, name) ||
			req.BelongsToUser != "" && !holds(known.Members[name], req.BelongsToUser) {
			continue
		}
		found = append(found, &types.UserSearchResult{
			Principal: parts[1], FullName: "Full " + parts[1], Group: isGroup,
		})
	}
	return &methods.RetrieveUserGroupsBody{Res: &types.RetrieveUserGroupsResponse{Returnval: found}}
}

func missing() soap.HasFault {
	return &methods.RetrieveUserGroupsBody{Fault_: simulator.Fault("not found", &types.NotFound{})}
}

type envelope struct {
	Body struct {
		Login *struct {
			UserName string `xml:"userName"`
			Password string `xml:"password"`
		} `xml:"Login"`
		Logout *struct{} `xml:"Logout"`
		Abort  *struct{} `xml:"HttpNfcLeaseAbort"`
	} `xml:"Body"`
}

const refusal = `<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>
<faultcode>ServerFaultCode</faultcode><faultstring>%[2]s</faultstring>
<detail><%[1]sFault xmlns="urn:vim25" xsi:type="%[1]s">%[3]s</%[1]sFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`

// guarded lets the simulator see only logins with a right password.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/nfc/") && wished.take(func(call string) bool { return call == "nfc" }) != nil {
			_, _ = io.CopyN(io.Discard, r.Body, 1024)
			panic(http.ErrAbortHandler)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		named := func(call string) bool { return call != "" && bytes.Contains(body, []byte("<"+call+" ")) }
		if now := wished.take(named); now != nil {
			w.Header().Set("Content-Type", "text/xml")
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, refusal, now.Fault, now.Text, now.Detail)
			return
		}
		var read envelope
		_ = xml.Unmarshal(body, &read)
		counted.Lock()
		if strings.HasPrefix(r.URL.Path, "/nfc/") {
			counted.Uploaded += len(body)
		}
		if read.Body.Abort != nil {
			counted.Aborted++
		}
		if read.Body.Logout != nil {
			counted.Logouts++
		}
		if login := read.Body.Login; login != nil {
			counted.Names = append(counted.Names, login.UserName)
			password, ok := known.Passwords[strings.ToLower(login.UserName)]
			fault := ""
			if !ok || password != login.Password {
				fault = "InvalidLogin"
			} else if holds(known.ShutOut, login.UserName) {
				fault = "NoPermission"
			}
			if fault != "" {
				counted.Refused++
				counted.Unlock()
				w.Header().Set("Content-Type", "text/xml")
				w.WriteHeader(http.StatusInternalServerError)
				fmt.Fprintf(w, refusal, fault, fault, "")
				return
			}
			counted.Logins++
			// vCenter tells whom it logged in in its own form.
			name := principal(strings.ToLower(login.UserName))
			body = bytes.Replace(body, []byte(">"+login.UserName+"<"), []byte(">"+name+"<"), 1)
			r.ContentLength = int64(len(body))
		}
		counted.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// take gives the wish for this call, which is fulfilled with it.
func (w *wish) take(fits func(string) bool) *wish {
	w.Lock()
	defer w.Unlock()
	if !fits(w.Call) {
		return nil
	}
	now := &wish{Fault: w.Fault, Text: w.Text, Detail: w.Detail}
	w.Call = ""
	return now
}

func refuse(w http.ResponseWriter, r *http.Request) {
	wished.Lock()
	defer wished.Unlock()
	if err := json.NewDecoder(r.Body).Decode(&wished); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func count(w http.ResponseWriter, _ *http.Request) {
	counted.Lock()
	defer counted.Unlock()
	_ = json.NewEncoder(w).Encode(&counted)
}

func main() {
	if err := json.NewDecoder(os.Stdin).Decode(&known); err != nil {
		log.Fatal(err)
	}
	certificate, err := tls.LoadX509KeyPair(known.Certificate, known.Key)
	if err != nil {
		log.Fatal(err)
	}
	model := simulator.VPX()
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	defer model.Remove()
	old := simulator.Map.UserDirectory()
	simulator.Map.Put(&directory{old.UserDirectory})
	simulator.Map.Put(&ovfManager{*simulator.Map.Get(*model.ServiceContent.OvfManager).(*simulator.OvfManager)})
	model.Service.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	model.Service.Listen = &url.URL{Host: known.Listen}
	server := model.Service.NewServer()
	mux := http.NewServeMux()
	mux.HandleFunc("/count", count)
	mux.HandleFunc("/refuse", refuse)
	mux.Handle("/", guarded(server.Config.Handler))
	server.Config.Handler = mux
	fmt.Println(server.URL.Host)
	// Until whoever started it goes away.
	_, _ = io.Copy(io.Discard, os.Stdin)
}
