package main

import (
	"errors"
	"maps"
	"strings"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const prefix = "serverless.kyma-project.io/"

func internalLabels(function *Function) map[string]string {
	return map[string]string{
		prefix + "function-name": function.Name,
		prefix + "managed-by":    "function-controller",
		prefix + "uuid":          string(function.UID),
	}
}

func selector(function *Function) map[string]string {
	labels := internalLabels(function)
	labels[prefix+"resource"] = "deployment"
	return labels
}

func childMeta(function *Function) meta.ObjectMeta {
	labels := maps.Clone(function.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	delete(labels, "controller-uid")
	maps.Copy(labels, internalLabels(function))
	return meta.ObjectMeta{Name: function.Name, Labels: labels}
}

func build(settings *Settings, request *Request) *Children {
	function := &request.Parent
	replicas := function.Spec.Replicas
	children := &Children{
		ServiceAccount: &core.ServiceAccount{
			TypeMeta:                     meta.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
			ObjectMeta:                   childMeta(function),
			AutomountServiceAccountToken: new(bool),
		},
		Service: buildService(function),
	}
	if scale := function.Spec.ScaleConfig; scale != nil && replicas > 0 {
		children.Autoscaler = buildAutoscaler(settings, function)
		replicas = scale.MinReplicas
		if live := request.Children.Deployments[function.Name]; live != nil && live.Spec.Replicas != nil && *live.Spec.Replicas > 0 {
			replicas = *live.Spec.Replicas
		}
	}
	children.Deployment = buildDeployment(settings, function, replicas)
	return children
}

func buildService(function *Function) *core.Service {
	cluster := core.ServiceInternalTrafficPolicyCluster
	return &core.Service{
		TypeMeta:   meta.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: childMeta(function),
		Spec: core.ServiceSpec{
			Type:                  core.ServiceTypeClusterIP,
			InternalTrafficPolicy: &cluster,
			Selector:              selector(function),
			Ports:                 []core.ServicePort{{Name: "http", Port: 80, Protocol: core.ProtocolTCP, TargetPort: intstr.FromInt32(8080)}},
		},
	}
}

func buildAutoscaler(settings *Settings, function *Function) *autoscaling.HorizontalPodAutoscaler {
	scale, target := function.Spec.ScaleConfig, settings.TargetCPU
	return &autoscaling.HorizontalPodAutoscaler{
		TypeMeta:   meta.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: childMeta(function),
		Spec: autoscaling.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscaling.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: function.Name},
			MinReplicas:    &scale.MinReplicas,
			MaxReplicas:    scale.MaxReplicas,
			Metrics: []autoscaling.MetricSpec{{
				Type: autoscaling.ResourceMetricSourceType,
				Resource: &autoscaling.ResourceMetricSource{
					Name:   core.ResourceCPU,
					Target: autoscaling.MetricTarget{Type: autoscaling.UtilizationMetricType, AverageUtilization: &target},
				},
			}},
		},
	}
}

func buildDeployment(settings *Settings, function *Function, replicas int32) *apps.Deployment {
	surge, unavailable := intstr.FromString("25%"), intstr.FromInt32(0)
	history, deadline := int32(2), function.Spec.StartupTimeoutSeconds+450
	labels := maps.Clone(function.Spec.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, selector(function))
	labels["app.kubernetes.io/name"] = function.Name
	return &apps.Deployment{
		TypeMeta:   meta.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: childMeta(function),
		Spec: apps.DeploymentSpec{
			Replicas:                &replicas,
			RevisionHistoryLimit:    &history,
			ProgressDeadlineSeconds: &deadline,
			Strategy: apps.DeploymentStrategy{
				Type:          apps.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &apps.RollingUpdateDeployment{MaxSurge: &surge, MaxUnavailable: &unavailable},
			},
			Selector: &meta.LabelSelector{MatchLabels: selector(function)},
			Template: core.PodTemplateSpec{
				ObjectMeta: meta.ObjectMeta{Labels: labels, Annotations: maps.Clone(settings.Annotations)},
				Spec: core.PodSpec{
					ServiceAccountName:           function.Name,
					AutomountServiceAccountToken: new(bool),
					EnableServiceLinks:           new(bool),
					SecurityContext:              settings.Pod,
					Containers:                   []core.Container{buildContainer(settings, function)},
					Volumes:                      settings.Volumes,
				},
			},
		},
	}
}

func buildContainer(settings *Settings, function *Function) core.Container {
	liveness := probe(10, 4, 3)
	liveness.InitialDelaySeconds = function.Spec.StartupTimeoutSeconds
	return core.Container{
		Name:                     "function",
		Image:                    settings.Image,
		WorkingDir:               settings.WorkDir,
		SecurityContext:          settings.Container,
		TerminationMessagePolicy: core.TerminationMessageFallbackToLogsOnError,
		Command:                  []string{"sh", "-c", settings.Start},
		Env:                      buildEnv(settings, function),
		Ports:                    []core.ContainerPort{{ContainerPort: 8080, Protocol: core.ProtocolTCP}},
		Resources:                settings.Resources,
		VolumeMounts:             []core.VolumeMount{{Name: "sources", MountPath: settings.WorkDir}, {Name: "tmp", MountPath: "/tmp"}},
		ReadinessProbe:           probe(1, 2, 7),
		LivenessProbe:            liveness,
		Lifecycle:                &core.Lifecycle{PreStop: &core.LifecycleHandler{Sleep: &core.SleepAction{Seconds: 5}}},
	}
}

func probe(period, timeout, failures int32) *core.Probe {
	get := &core.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)}
	return &core.Probe{ProbeHandler: core.ProbeHandler{HTTPGet: get}, PeriodSeconds: period, TimeoutSeconds: timeout, FailureThreshold: failures}
}

func buildEnv(settings *Settings, function *Function) []core.EnvVar {
	env := make([]core.EnvVar, 0, 5+len(settings.Env)+len(function.Spec.Env))
	env = append(env, variable("FUNC_NAME", function.Name), variable("FUNC_RUNTIME", function.Spec.Runtime),
		variable("SERVICE_NAMESPACE", function.Namespace))
	env = append(append(env, settings.Env...), function.Spec.Env...)
	return append(env, variable("FUNC_HANDLER_SOURCE", function.Spec.Source.Inline.Source), variable("FUNC_HANDLER_SOURCE_2", ""))
}

func variable(name, value string) core.EnvVar {
	return core.EnvVar{Name: name, Value: strings.ReplaceAll(value, "$", "$$")}
}

// checkAdditions finds the fields that the hook removes when another component adds them.
func checkAdditions(children *Children, request *Request) error {
	name := request.Parent.Name
	service, deployment := request.Children.Services[name], request.Children.Deployments[name]
	if service == nil || deployment == nil || request.Children.ServiceAccounts[name] == nil {
		return errors.New("a child is missing")
	}
	spec := &service.Spec
	if len(spec.Ports) != 1 || len(spec.Selector) != len(children.Service.Spec.Selector) || spec.ExternalIPs != nil ||
		spec.ExternalName != "" || spec.PublishNotReadyAddresses {
		return errors.New("the Service has additions")
	}
	if deployment.Spec.MinReadySeconds != 0 || addsToPod(&deployment.Spec.Template.Spec, &children.Deployment.Spec.Template.Spec) {
		return errors.New("the Deployment has additions")
	}
	return nil
}

func addsToPod(live, desired *core.PodSpec) bool {
	if len(live.Containers) != 1 || live.HostNetwork || live.HostPID || live.HostIPC || len(live.Volumes) != len(desired.Volumes) {
		return true
	}
	one, other := &live.Containers[0], &desired.Containers[0]
	names := make(map[string]bool, len(other.Env))
	for _, entry := range other.Env {
		names[entry.Name] = true
	}
	for _, entry := range one.Env {
		if !names[entry.Name] {
			return true
		}
	}
	security := one.SecurityContext
	return len(one.VolumeMounts) != len(other.VolumeMounts) || one.StartupProbe != nil || len(one.Args) > 0 || security == nil ||
		security.Privileged != nil || security.Capabilities == nil || security.Capabilities.Add != nil || security.RunAsUser != nil
}
