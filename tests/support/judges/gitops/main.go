// What two GitOps tools make of an object: kstatus, in its own code, and Flux, with the health check expressions (CEL)
// of a Kustomization.
//
// Reads JSON objects {"object": ..., "exprs": {"current": ..., ...}}, one after the other, and prints one line for each.
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type question struct {
	Object json.RawMessage   `json:"object"`
	Exprs  map[string]string `json:"exprs"`
}

type verdict struct {
	Kstatus string `json:"kstatus"`
	Message string `json:"message"`
	Flux    string `json:"flux"`
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var q question
		if err := in.Decode(&q); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		answer, err := judge(q)
		if err != nil {
			log.Fatal(err)
		}
		if err := out.Encode(answer); err != nil {
			log.Fatal(err)
		}
	}
}

func judge(q question) (verdict, error) {
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(q.Object); err != nil {
		return verdict{}, err
	}
	result, err := status.Compute(object)
	if err != nil {
		return verdict{}, err
	}
	flux, err := health(object, q.Exprs)
	return verdict{string(result.Status), result.Message, string(flux)}, err
}

// health evaluates as Flux does (RFC 0009; NewStatusEvaluator in github.com/fluxcd/pkg/runtime/cel): an object whose status
// is of another generation is in progress, and so is one of which no expression holds. An expression that cannot be
// evaluated is an error; it is parsed, not checked, since an object has whatever fields it has.
func health(object *unstructured.Unstructured, exprs map[string]string) (status.Status, error) {
	observed, found, err := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	if err == nil && found && observed != object.GetGeneration() {
		return status.InProgressStatus, nil
	}
	for _, each := range []struct {
		expr string
		then status.Status
	}{
		{exprs["inProgress"], status.InProgressStatus},
		{exprs["failed"], status.FailedStatus},
		{exprs["current"], status.CurrentStatus},
	} {
		holds, err := evaluate(each.expr, object.Object)
		if err != nil {
			return "", err
		}
		if holds {
			return each.then, nil
		}
	}
	return status.InProgressStatus, nil
}

func evaluate(expr string, object map[string]any) (bool, error) {
	env, err := cel.NewEnv(cel.CrossTypeNumericComparisons(true), cel.OptionalTypes())
	if err != nil {
		return false, err
	}
	ast, issues := env.Parse(expr)
	if issues.Err() != nil {
		return false, issues.Err()
	}
	program, err := env.Program(ast)
	if err != nil {
		return false, err
	}
	value, _, err := program.Eval(object)
	if err != nil {
		return false, err
	}
	return value.Value() == true, nil
}
