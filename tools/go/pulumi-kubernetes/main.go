// Pulumi-resource-kubernetes is Pulumi's Kubernetes provider. The module's own main embeds two generated files that
// the module does not carry; this one embeds their sources, which it does: schema.json and terraform-mapping.json of
// its folder cmd/pulumi-resource-kubernetes, copied beside this file for the build.
package main

import (
	_ "embed"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
)

// version is that of the Python package pulumi-kubernetes that this commit of the provider belongs to.
const version = "4.25.0"

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	if len(os.Args) == 2 && os.Args[1] == "-version" {
		fmt.Println(version)
		return
	}
	provider.Serve("kubernetes", version, schema, terraformMapping)
}
