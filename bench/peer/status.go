package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	apps "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

const lastApplied = "metacontroller.k8s.io/last-applied-configuration"

func status(settings *Settings, desired *apps.Deployment, request *Request) (*FunctionStatus, error) {
	function := &request.Parent
	live := request.Children.Deployments[function.Name]
	if err := isRolledOut(live, desired); err != nil {
		return nil, err
	}
	ready := fmt.Sprintf("Deployment %s is ready", function.Name)
	return &FunctionStatus{
		Runtime:                  function.Spec.Runtime,
		RuntimeImage:             settings.Image,
		Replicas:                 live.Status.Replicas,
		PodSelector:              selectorText(function),
		FunctionResourceProfile:  settings.Profile,
		PodSecurityContext:       settings.Pod,
		ContainerSecurityContext: settings.Container,
		Conditions: []Condition{
			condition(function, "ConfigurationReady", "FunctionSpecValidated", "Function configured"),
			condition(function, "Running", "DeploymentReady", ready),
			condition(function, "Ready", "DeploymentReady", ready),
		},
	}, nil
}

// isRolledOut returns an error unless the Deployment has the desired template and all its pods are available.
func isRolledOut(live, desired *apps.Deployment) error {
	var record apps.Deployment
	if err := json.Unmarshal([]byte(live.Annotations[lastApplied]), &record); err != nil {
		return err
	}
	if record.Name != live.Name || record.Kind != live.Kind || record.APIVersion != live.APIVersion || record.Namespace != live.Namespace {
		return errors.New("the record is that of another object")
	}
	if *live.Spec.Replicas != *desired.Spec.Replicas || !equality.Semantic.DeepEqual(record.Spec.Template, desired.Spec.Template) {
		return errors.New("the Deployment is not as desired")
	}
	found := &live.Status
	if found.ObservedGeneration < live.Generation || found.UpdatedReplicas < *live.Spec.Replicas ||
		found.Replicas > found.UpdatedReplicas || found.UpdatedReplicas > found.AvailableReplicas {
		return errors.New("the Deployment is not rolled out")
	}
	for _, each := range found.Conditions {
		if each.Type == apps.DeploymentProgressing && each.Reason == "ProgressDeadlineExceeded" {
			return errors.New("the Deployment has failed")
		}
	}
	return nil
}

func condition(function *Function, kind, reason, message string) Condition {
	since := time.Now().UTC().Truncate(time.Second)
	for _, old := range function.Status.Conditions {
		if old.Type == kind && old.Status == "True" {
			since = old.LastTransitionTime
		}
	}
	return Condition{Type: kind, Status: "True", Reason: reason, Message: message, LastTransitionTime: since, ObservedGeneration: function.Generation}
}

func selectorText(function *Function) string {
	labels := selector(function)
	parts := make([]string, 0, len(labels))
	for key, value := range labels {
		parts = append(parts, key+"="+value)
	}
	sort.Strings(parts)
	return strings.Join(parts, ",")
}
