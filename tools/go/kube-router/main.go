// kube-router's network policy controller, and nothing else of it: its own main brings a BGP router, a service proxy and
// an allocator of load balancers, with the SDKs of a cloud and of Docker, and shows a profiler to whoever asks.
//
// The command line is kube-router's own; what belongs to the parts that are not here changes nothing.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/metrics"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"github.com/cloudnativelabs/kube-router/v2/pkg/utils"
	"github.com/spf13/pflag"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

const (
	heartbeats = 10
	nodePeriod = 100 * time.Millisecond
)

func main() {
	config := options.NewKubeRouterConfig()
	config.AddFlags(pflag.CommandLine)
	pflag.Parse()
	if err := run(config); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run does what kube-router's own main does for its firewall, until the process is told to end.
func run(config *options.KubeRouterConfig) error {
	clientConfig, err := clientcmd.BuildConfigFromFlags(config.Master, config.Kubeconfig)
	if err != nil {
		return fmt.Errorf("the kubeconfig can't be used: %w", err)
	}
	client, err := kubernetes.NewForConfig(clientConfig)
	if err != nil {
		return fmt.Errorf("the kubeconfig can't be used: %w", err)
	}
	stop := make(chan struct{})
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods().Informer()
	namespaces := factory.Core().V1().Namespaces().Informer()
	policies := factory.Networking().V1().NetworkPolicies().Informer()
	factory.Start(stop)
	if !cache.WaitForCacheSync(stop, pods.HasSynced, namespaces.HasSynced, policies.HasSynced) {
		return fmt.Errorf("pods, namespaces and policies could not be read")
	}

	var running sync.WaitGroup
	beats := make(chan *healthcheck.ControllerHeartbeat, heartbeats)
	health, err := healthcheck.NewHealthController(config)
	if err != nil {
		return fmt.Errorf("no health check: %w", err)
	}
	health.SetAlive()
	running.Add(2)
	go health.RunServer(stop, &running)
	go health.RunCheck(beats, stop, &running)
	if config.MetricsPort > 0 {
		config.MetricsEnabled = true
		served, err := metrics.NewMetricsController(config)
		if err != nil {
			return fmt.Errorf("no metrics: %w", err)
		}
		running.Add(1)
		go served.Run(beats, stop, &running)
	}

	awaitNode(client, config.HostnameOverride)
	iptables, ipsets, err := netpol.NewIPTablesHandlers(config)
	if err != nil {
		return err
	}
	var ipsetMutex sync.Mutex
	controller, err := netpol.NewNetworkPolicyController(
		client, config, pods, policies, namespaces, &ipsetMutex, iptables, ipsets)
	if err != nil {
		return err
	}
	for informer, handler := range map[cache.SharedIndexInformer]cache.ResourceEventHandler{
		pods:       controller.PodEventHandler,
		namespaces: controller.NamespaceEventHandler,
		policies:   controller.NetworkPolicyEventHandler,
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	running.Add(1)
	go controller.Run(beats, stop, &running)

	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	klog.Infof("ends by %s", <-ended)
	close(stop)
	running.Wait()
	return nil
}

// awaitNode waits until kubelet has registered the node with an address, without which there is no controller.
func awaitNode(client kubernetes.Interface, name string) {
	for {
		node, err := utils.GetNodeObject(client, name)
		if err == nil {
			if _, err = utils.GetPrimaryNodeIP(node); err == nil {
				return
			}
		}
		klog.V(1).Infof("waiting for the node: %s", err)
		time.Sleep(nodePeriod)
	}
}
