package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
)

var (
	functionName = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`)
	labelValue   = regexp.MustCompile(`^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$`)
	labelKey     = regexp.MustCompile(`^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	variableName = regexp.MustCompile(`^[ -<>-~]+$`)
)

const maxPodBytes = 40 * 1024

// validate checks what the Functions of the benchmark set; any other field is refused.
func validate(settings *Settings, function *Function) error {
	spec := &function.Spec
	switch {
	case !functionName.MatchString(function.Name) || len(function.UID) > 253 || len(function.Namespace) > 253:
		return errors.New("metadata")
	case spec.Runtime != settings.Runtime || spec.RuntimeImageOverride != "":
		return errors.New("spec.runtime")
	case spec.Source.Inline == nil || spec.Source.Inline.Source == "" || len(spec.Source.Inline.Source) > 262144 ||
		spec.Source.Inline.Dependencies != "":
		return errors.New("spec.source")
	case spec.Replicas < 0 || spec.Replicas > 1000 || spec.StartupTimeoutSeconds < 1 || spec.StartupTimeoutSeconds > 3600:
		return errors.New("spec.replicas")
	case spec.EnvFrom != nil || spec.SecretMounts != nil || spec.ServiceAccountName != "" || spec.Tolerations != nil ||
		spec.PodSecurityContext != nil || spec.ContainerSecurityContext != nil || spec.NodeSelector != nil ||
		spec.AutomountServiceAccountToken != nil || spec.ImagePullSecrets != nil || spec.PriorityClassName != "" ||
		spec.ResourceConfiguration != nil || spec.Annotations != nil:
		return errors.New("spec: not in the benchmark")
	}
	if scale := spec.ScaleConfig; scale != nil && (scale.MinReplicas < 1 || scale.MaxReplicas > 1000 || scale.MaxReplicas < scale.MinReplicas) {
		return errors.New("spec.scaleConfig")
	}
	for key, value := range spec.Labels {
		if !labelKey.MatchString(key) || !labelValue.MatchString(value) {
			return fmt.Errorf("spec.labels: %s", key)
		}
	}
	return validateEnv(settings, function)
}

func validateEnv(settings *Settings, function *Function) error {
	names := make(map[string]bool, len(function.Spec.Env))
	for index, entry := range function.Spec.Env {
		if !variableName.MatchString(entry.Name) || len(entry.Name) > 253 || len(entry.Value) > 40960 ||
			settings.Reserved[entry.Name] || names[entry.Name] || entry.ValueFrom != nil {
			return fmt.Errorf("spec.env[%d]", index)
		}
		names[entry.Name] = true
	}
	added, err := json.Marshal([]any{function.Labels, function.Spec.Labels, function.Spec.Env})
	if err == nil && len(added) > maxPodBytes {
		err = errors.New("spec: too long")
	}
	return err
}
