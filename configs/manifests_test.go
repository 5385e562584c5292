package configs_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"idaas-ldap/internal/config"
	"idaas-ldap/mapping"
)

// What the manifests say, as far as they say anything: a field that is not here is unknown to this test, or to Kubernetes.
type (
	metadata struct {
		Name        string            `yaml:"name"`
		Labels      map[string]string `yaml:"labels"`
		Annotations map[string]string `yaml:"annotations"`
	}
	labelSelector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}
	object struct {
		APIVersion     string            `yaml:"apiVersion"`
		Kind           string            `yaml:"kind"`
		Metadata       metadata          `yaml:"metadata"`
		Data           map[string]string `yaml:"data"`
		AutomountToken *bool             `yaml:"automountServiceAccountToken"`
		Spec           map[string]any    `yaml:"spec"`
	}
	workload struct {
		Replicas    int           `yaml:"replicas"`
		ServiceName string        `yaml:"serviceName"`
		Selector    labelSelector `yaml:"selector"`
		Strategy    struct {
			RollingUpdate struct {
				MaxSurge       int `yaml:"maxSurge"`
				MaxUnavailable int `yaml:"maxUnavailable"`
			} `yaml:"rollingUpdate"`
		} `yaml:"strategy"`
		Template             podTemplate `yaml:"template"`
		VolumeClaimTemplates []struct {
			Metadata metadata `yaml:"metadata"`
			Spec     struct {
				AccessModes []string `yaml:"accessModes"`
				Resources   struct {
					Requests map[string]string `yaml:"requests"`
				} `yaml:"resources"`
			} `yaml:"spec"`
		} `yaml:"volumeClaimTemplates"`
	}
	podTemplate struct {
		Metadata metadata `yaml:"metadata"`
		Spec     struct {
			ServiceAccountName            string `yaml:"serviceAccountName"`
			AutomountServiceAccountToken  bool   `yaml:"automountServiceAccountToken"`
			EnableServiceLinks            *bool  `yaml:"enableServiceLinks"`
			TerminationGracePeriodSeconds int    `yaml:"terminationGracePeriodSeconds"`
			SecurityContext               struct {
				RunAsNonRoot        bool              `yaml:"runAsNonRoot"`
				RunAsUser           int               `yaml:"runAsUser"`
				RunAsGroup          int               `yaml:"runAsGroup"`
				FSGroup             int               `yaml:"fsGroup"`
				FSGroupChangePolicy string            `yaml:"fsGroupChangePolicy"`
				SeccompProfile      map[string]string `yaml:"seccompProfile"`
			} `yaml:"securityContext"`
			Containers []container `yaml:"containers"`
			Volumes    []struct {
				Name      string `yaml:"name"`
				Projected struct {
					DefaultMode int             `yaml:"defaultMode"`
					Sources     []projectedFrom `yaml:"sources"`
				} `yaml:"projected"`
			} `yaml:"volumes"`
		} `yaml:"spec"`
	}
	container struct {
		Name  string   `yaml:"name"`
		Image string   `yaml:"image"`
		Args  []string `yaml:"args"`
		Env   []struct {
			Name  string `yaml:"name"`
			Value string `yaml:"value"`
		} `yaml:"env"`
		Ports []struct {
			Name          string `yaml:"name"`
			ContainerPort int    `yaml:"containerPort"`
		} `yaml:"ports"`
		LivenessProbe   probe `yaml:"livenessProbe"`
		ReadinessProbe  probe `yaml:"readinessProbe"`
		StartupProbe    probe `yaml:"startupProbe"`
		SecurityContext struct {
			AllowPrivilegeEscalation bool                `yaml:"allowPrivilegeEscalation"`
			ReadOnlyRootFilesystem   bool                `yaml:"readOnlyRootFilesystem"`
			Capabilities             map[string][]string `yaml:"capabilities"`
		} `yaml:"securityContext"`
		Resources    map[string]map[string]string `yaml:"resources"`
		VolumeMounts []struct {
			Name      string `yaml:"name"`
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}
	probe struct {
		Exec struct {
			Command []string `yaml:"command"`
		} `yaml:"exec"`
		PeriodSeconds    int `yaml:"periodSeconds"`
		TimeoutSeconds   int `yaml:"timeoutSeconds"`
		FailureThreshold int `yaml:"failureThreshold"`
	}
	projectedFrom struct {
		ConfigMap *filesOf `yaml:"configMap"`
		Secret    *filesOf `yaml:"secret"`
	}
	filesOf struct {
		Name  string `yaml:"name"`
		Items []struct {
			Key  string `yaml:"key"`
			Path string `yaml:"path"`
		} `yaml:"items"`
	}
	service struct {
		Type                  string            `yaml:"type"`
		ExternalTrafficPolicy string            `yaml:"externalTrafficPolicy"`
		Selector              map[string]string `yaml:"selector"`
		Ports                 []struct {
			Name       string `yaml:"name"`
			Port       int    `yaml:"port"`
			TargetPort string `yaml:"targetPort"`
		} `yaml:"ports"`
	}
	networkPolicy struct {
		PodSelector labelSelector `yaml:"podSelector"`
		PolicyTypes []string      `yaml:"policyTypes"`
		Ingress     []allowed     `yaml:"ingress"`
		Egress      []allowed     `yaml:"egress"`
	}
	allowed struct {
		Ports []struct {
			Port     any    `yaml:"port"`
			Protocol string `yaml:"protocol"`
		} `yaml:"ports"`
	}
	disruptionBudget struct {
		MaxUnavailable int           `yaml:"maxUnavailable"`
		Selector       labelSelector `yaml:"selector"`
	}
)

// apiVersions are the kinds that the manifests may have, each in the version that Kubernetes has had for years.
var apiVersions = map[string]string{
	"ConfigMap": "v1", "ServiceAccount": "v1", "Service": "v1", "NetworkPolicy": "networking.k8s.io/v1",
	"PodDisruptionBudget": "policy/v1", "Deployment": "apps/v1", "StatefulSet": "apps/v1",
}

// manifest reads a plain manifest, and refuses what it does not know.
func manifest(t *testing.T, store string) map[string]object {
	t.Helper()
	found := map[string]object{}
	for document := range strings.SplitSeq(string(source(t, filepath.Join("kubernetes", store+".yaml"))), "\n---\n") {
		var o object
		if err := yaml.UnmarshalWithOptions([]byte(document), &o, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v\n%s", store, err, document)
		}
		if apiVersions[o.Kind] != o.APIVersion || o.Metadata.Name != "idaas-ldap" {
			t.Errorf("%s: %s %s in the version %q", store, o.Kind, o.Metadata.Name, o.APIVersion)
		}
		found[o.Kind] = o
	}
	return found
}

// spec reads what an object of a kind is to be.
func spec[S any](t *testing.T, found map[string]object, kind string) S {
	t.Helper()
	var s S
	text, err := yaml.Marshal(found[kind].Spec)
	if err == nil {
		err = yaml.UnmarshalWithOptions(text, &s, yaml.Strict())
	}
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return s
}

// Everything is of its schema, names what is there, and runs with no more rights than it needs.
func TestManifestsFitTogether(t *testing.T) {
	for _, store := range stores {
		t.Run(store, func(t *testing.T) {
			found := manifest(t, store)
			kind, replicas := "StatefulSet", 1
			if store == "postgres" {
				kind, replicas = "Deployment", 2
			}
			if kinds := slices.Sorted(maps.Keys(found)); len(kinds) != 6 || !slices.Contains(kinds, kind) {
				t.Fatalf("there are %v", kinds)
			}
			w := spec[workload](t, found, kind)
			pod, c := w.Template.Spec, w.Template.Spec.Containers[0]
			labels := w.Template.Metadata.Labels
			budget, policy, s := spec[disruptionBudget](t, found, "PodDisruptionBudget"), spec[networkPolicy](t, found, "NetworkPolicy"), spec[service](t, found, "Service")
			for what, selected := range map[string]map[string]string{
				kind: w.Selector.MatchLabels, "the budget": budget.Selector.MatchLabels, "the policy": policy.PodSelector.MatchLabels, "the service": s.Selector,
			} {
				if len(labels) != 2 || !maps.Equal(labels, selected) {
					t.Errorf("%s selects %v, and pods are %v", what, selected, labels)
				}
			}
			if w.Replicas != replicas || budget.MaxUnavailable != 1 || (len(w.VolumeClaimTemplates) == 1) != (store == "sqlite") || len(pod.Containers) != 1 {
				t.Errorf("%+v %+v", w, budget)
			}
			if c.Ports[0].Name != s.Ports[0].TargetPort || policy.Ingress[0].Ports[0].Port != any(c.Ports[0].Name) || !slices.Equal(policy.PolicyTypes, []string{"Ingress", "Egress"}) {
				t.Errorf("the port is %v, the service's %v, the policy's %v", c.Ports, s.Ports, policy)
			}
			if pod.TerminationGracePeriodSeconds < 30 || pod.AutomountServiceAccountToken || pod.EnableServiceLinks == nil || *pod.EnableServiceLinks || !pod.SecurityContext.RunAsNonRoot || pod.SecurityContext.RunAsUser != 65532 ||
				pod.SecurityContext.FSGroupChangePolicy != "OnRootMismatch" || pod.SecurityContext.SeccompProfile["type"] != "RuntimeDefault" ||
				pod.Volumes[0].Projected.DefaultMode != 0o440 {
				t.Errorf("the pod is %+v", pod)
			}
			if c.SecurityContext.AllowPrivilegeEscalation || !c.SecurityContext.ReadOnlyRootFilesystem || !slices.Equal(c.SecurityContext.Capabilities["drop"], []string{"ALL"}) {
				t.Errorf("the container may %+v", c.SecurityContext)
			}
			for what, p := range map[string]probe{"live": c.LivenessProbe, "ready": c.ReadinessProbe, "started": c.StartupProbe} {
				if len(p.Exec.Command) < 4 || p.Exec.Command[1] != "health" || slices.Contains(p.Exec.Command, "--live") == (what == "ready") || p.TimeoutSeconds < 10 {
					t.Errorf("%s is asked by %+v", what, p)
				}
			}
		})
	}
}

// A service that is started as the manifests say finds a configuration that is right, with all files that it names, and the same paths that the
// image has.
func TestManifestsConfigureTheService(t *testing.T) {
	image := string(source(t, "Dockerfile"))
	for _, store := range stores {
		t.Run(store, func(t *testing.T) {
			found := manifest(t, store)
			kind := "StatefulSet"
			if store == "postgres" {
				kind = "Deployment"
			}
			pod := spec[workload](t, found, kind).Template.Spec
			folder := t.TempDir()
			for _, from := range pod.Volumes[0].Projected.Sources {
				lay(t, folder, from, found["ConfigMap"].Data)
			}
			c := pod.Containers[0]
			var environment []string
			for _, v := range c.Env {
				environment = append(environment, v.Name+"="+strings.Replace(v.Value, "/etc/idaas-ldap", folder, 1))
			}
			cfg, warnings, err := config.Load(filepath.Join(folder, "idaas-ldap.yaml"), environment)
			if err != nil || len(warnings) > 0 {
				t.Fatalf("%v: %v", warnings, err)
			}
			text := string(source(t, string(cfg.Directories[0].Mapping)))
			if _, err := mapping.Compile("mapping.yaml", []byte(text)); err != nil {
				t.Error(err)
			}
			if cfg.Store.Postgres().Empty() == (store == "postgres") || !strings.Contains(image, c.LivenessProbe.Exec.Command[0]+`"]`) ||
				!strings.Contains(image, "USER 65532:65532") || cfg.Receiver.Listen != "0.0.0.0:8443" || c.Ports[0].ContainerPort != 8443 {
				t.Errorf("%+v", cfg.Store)
			}
			for _, m := range c.VolumeMounts {
				if !strings.Contains(image, m.MountPath) {
					t.Errorf("the image has no %s", m.MountPath)
				}
			}
		})
	}
}

// lay puts files where a projected volume has them.
func lay(t *testing.T, folder string, from projectedFrom, data map[string]string) {
	t.Helper()
	files, secret := from.ConfigMap, from.ConfigMap == nil
	if secret {
		files = from.Secret
	}
	for _, item := range files.Items {
		content, there := data[item.Key]
		switch {
		case secret && item.Key == "store.url":
			content = "postgres://idaas_ldap@db.example.org/idaas_ldap?sslmode=verify-full"
		case secret:
			content = strings.Repeat("ab", 32)
		case !there:
			t.Errorf("there is no %s in the ConfigMap", item.Key)
		}
		path := filepath.Join(folder, item.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
