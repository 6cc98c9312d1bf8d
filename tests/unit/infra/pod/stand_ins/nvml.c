/* NVML, as far as a pod asks it: -DINIT=0 -DGPUS='{"NVIDIA H800", 9, 0},'. */
#include <stdio.h>

static const struct { const char *name; int major, minor; } gpus[] = { GPUS {0} };

const char *nvmlErrorString(int status) { return status == 9 ? "Driver Not Loaded" : "Unknown Error"; }
int nvmlInit_v2(void) { return INIT; }

int nvmlSystemGetDriverVersion(char *text, unsigned length) {
    snprintf(text, length, "550.54.15");
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = sizeof gpus / sizeof *gpus - 1;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, const void **device) {
    *device = &gpus[index];
    return 0;
}

int nvmlDeviceGetName(const void *device, char *text, unsigned length) {
    const typeof(gpus[0]) *gpu = device;
    snprintf(text, length, "%s", gpu->name);
    return 0;
}

int nvmlDeviceGetCudaComputeCapability(const void *device, int *major, int *minor) {
    const typeof(gpus[0]) *gpu = device;
    *major = gpu->major;
    *minor = gpu->minor;
    return 0;
}
