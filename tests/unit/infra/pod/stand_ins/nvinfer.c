/* The one function of libnvinfer that a pod asks: -DVERSION=100600. */
int getInferLibVersion(void) { return VERSION; }
