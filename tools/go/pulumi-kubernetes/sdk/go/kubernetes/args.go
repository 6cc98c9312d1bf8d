// Package kubernetes stands for the root of Pulumi's generated Go SDK for Kubernetes: what the provider names of it.
//
// The provider imports 200 packages of generated types for two resources, ConfigGroup and Chart, that register objects
// which it holds as untyped maps anyway. Compiling them was two thirds of the provider's build.
package kubernetes

import "reflect"

// UntypedArgs are a Kubernetes object's fields as a resource's inputs.
type UntypedArgs map[string]any

// ElementType is what an Output of these resolves to.
func (UntypedArgs) ElementType() reflect.Type {
	return reflect.TypeFor[map[string]any]()
}
