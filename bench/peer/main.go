// The peer of bench/hook.py: the sync of a Function at rest as a typed Go handler does it, with net/http,
// encoding/json and the types of k8s.io/api. It returns the children and the status that the hook returns, which
// bench/hook.py checks. A Function with anything to change, explain or refuse gets status 500.
//
//	peer SETTINGS serve ADDRESS    serves POST /v1/sync and GET /readyz
//	peer SETTINGS transform FILE   reads numbers of calls from standard input; prints the CPU microseconds of one call
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

func main() {
	data := read(os.Args[1])
	var settings Settings
	if err := json.Unmarshal(data, &settings); err != nil {
		log.Fatal(err)
	}
	switch os.Args[2] {
	case "serve":
		serve(&settings, os.Args[3])
	case "transform":
		measure(&settings, read(os.Args[3]))
	}
}

func read(name string) []byte {
	data, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	return data
}

func serve(settings *Settings, address string) {
	http.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	http.HandleFunc("POST /v1/sync", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			body, err = transform(settings, body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(body)
	})
	log.Fatal(http.ListenAndServe(address, nil))
}

func measure(settings *Settings, body []byte) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		calls, _ := strconv.Atoi(lines.Text())
		begin := cpuTime()
		for range calls {
			if _, err := transform(settings, body); err != nil {
				log.Fatal(err)
			}
		}
		fmt.Println(float64((cpuTime() - begin).Nanoseconds()) / 1000 / float64(calls))
	}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// transform returns the response to a request, both as JSON.
func transform(settings *Settings, body []byte) ([]byte, error) {
	var request Request
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err
	}
	if err := validate(settings, &request.Parent); err != nil {
		return nil, err
	}
	children := build(settings, &request)
	if err := checkAdditions(children, &request); err != nil {
		return nil, err
	}
	status, err := status(settings, children.Deployment, &request)
	if err != nil {
		return nil, err
	}
	return json.Marshal(Response{Status: status, Children: children.list()})
}
