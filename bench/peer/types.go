package main

import (
	"time"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Settings are those of the hook's config and of the Function's runtime, written by bench/hook.py.
type Settings struct {
	Image       string                    `json:"image"`
	Profile     string                    `json:"profile"`
	Resources   core.ResourceRequirements `json:"resources"`
	Runtime     string                    `json:"runtime"`
	WorkDir     string                    `json:"workDir"`
	Start       string                    `json:"start"`
	Env         []core.EnvVar             `json:"env"`
	Reserved    map[string]bool           `json:"reserved"`
	Annotations map[string]string         `json:"annotations"`
	Volumes     []core.Volume             `json:"volumes"`
	TargetCPU   int32                     `json:"targetCPU"`
	Pod         *core.PodSecurityContext  `json:"podSecurity"`
	Container   *core.SecurityContext     `json:"containerSecurity"`
}

type Function struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            FunctionSpec   `json:"spec"`
	Status          FunctionStatus `json:"status"`
}

type FunctionSpec struct {
	Runtime                      string                            `json:"runtime"`
	RuntimeImageOverride         string                            `json:"runtimeImageOverride"`
	Source                       Source                            `json:"source"`
	Env                          []core.EnvVar                     `json:"env"`
	EnvFrom                      []core.EnvFromSource              `json:"envFrom"`
	Labels                       map[string]string                 `json:"labels"`
	Annotations                  map[string]string                 `json:"annotations"`
	Replicas                     int32                             `json:"replicas"`
	ScaleConfig                  *ScaleConfig                      `json:"scaleConfig"`
	SecretMounts                 []SecretMount                     `json:"secretMounts"`
	ServiceAccountName           string                            `json:"serviceAccountName"`
	AutomountServiceAccountToken *bool                             `json:"automountServiceAccountToken"`
	ImagePullSecrets             []core.LocalObjectReference       `json:"imagePullSecrets"`
	PodSecurityContext           *core.PodSecurityContext          `json:"podSecurityContext"`
	ContainerSecurityContext     *core.SecurityContext             `json:"containerSecurityContext"`
	NodeSelector                 map[string]string                 `json:"nodeSelector"`
	Tolerations                  []core.Toleration                 `json:"tolerations"`
	PriorityClassName            string                            `json:"priorityClassName"`
	StartupTimeoutSeconds        int32                             `json:"startupTimeoutSeconds"`
	ResourceConfiguration        map[string]map[string]interface{} `json:"resourceConfiguration"`
}

type Source struct {
	Inline *Inline `json:"inline"`
}

type Inline struct {
	Source       string `json:"source"`
	Dependencies string `json:"dependencies"`
}

type ScaleConfig struct {
	MinReplicas int32 `json:"minReplicas"`
	MaxReplicas int32 `json:"maxReplicas"`
}

type SecretMount struct {
	SecretName string `json:"secretName"`
	MountPath  string `json:"mountPath"`
}

type FunctionStatus struct {
	Runtime                  string                   `json:"runtime,omitempty"`
	RuntimeImage             string                   `json:"runtimeImage,omitempty"`
	Replicas                 int32                    `json:"replicas"`
	PodSelector              string                   `json:"podSelector,omitempty"`
	FunctionResourceProfile  string                   `json:"functionResourceProfile,omitempty"`
	PodSecurityContext       *core.PodSecurityContext `json:"podSecurityContext,omitempty"`
	ContainerSecurityContext *core.SecurityContext    `json:"containerSecurityContext,omitempty"`
	FunctionAnnotations      map[string]string        `json:"functionAnnotations,omitempty"`
	Conditions               []Condition              `json:"conditions,omitempty"`
	ObservedGeneration       int64                    `json:"observedGeneration,omitempty"`
}

type Condition struct {
	Type               string    `json:"type"`
	Status             string    `json:"status"`
	Reason             string    `json:"reason"`
	Message            string    `json:"message"`
	LastTransitionTime time.Time `json:"lastTransitionTime"`
	ObservedGeneration int64     `json:"observedGeneration"`
}

type Request struct {
	Parent     Function `json:"parent"`
	Children   Observed `json:"children"`
	Related    Related  `json:"related"`
	Finalizing bool     `json:"finalizing"`
}

type Observed struct {
	ServiceAccounts map[string]*core.ServiceAccount                 `json:"ServiceAccount.v1"`
	Services        map[string]*core.Service                        `json:"Service.v1"`
	Deployments     map[string]*apps.Deployment                     `json:"Deployment.apps/v1"`
	Autoscalers     map[string]*autoscaling.HorizontalPodAutoscaler `json:"HorizontalPodAutoscaler.autoscaling/v2"`
}

type Related struct {
	Pods map[string]*core.Pod `json:"Pod.v1"`
}

type Response struct {
	Status   *FunctionStatus `json:"status"`
	Children []any           `json:"children"`
}

type Children struct {
	ServiceAccount *core.ServiceAccount
	Service        *core.Service
	Deployment     *apps.Deployment
	Autoscaler     *autoscaling.HorizontalPodAutoscaler
}

func (c *Children) list() []any {
	found := []any{c.ServiceAccount, c.Service, c.Deployment}
	if c.Autoscaler != nil {
		found = append(found, c.Autoscaler)
	}
	return found
}
