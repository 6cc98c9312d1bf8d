// Package v2 registers the objects of a ConfigGroup, a ConfigFile or a Chart.
package v2

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// RegisterResource registers an object under the type token of its kind, as the generated SDK does. Its outputs reach
// the engine all the same; they are not typed fields in this process, where nobody reads them.
func RegisterResource(ctx *pulumi.Context, apiVersion, kind, name string, inputs pulumi.Input,
	options ...pulumi.ResourceOption,
) (pulumi.CustomResource, error) {
	object := new(pulumi.CustomResourceState)
	if err := ctx.RegisterResource(token(apiVersion, kind), name, inputs, object, options...); err != nil {
		return nil, err
	}
	return object, nil
}

// token is a kind's name in Pulumi, where the group without a name is called core.
func token(apiVersion, kind string) string {
	if !strings.Contains(apiVersion, "/") {
		apiVersion = "core/" + apiVersion
	}
	return "kubernetes:" + apiVersion + ":" + kind
}
