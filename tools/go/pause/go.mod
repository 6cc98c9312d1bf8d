module densenet-triton/tools/pause

go 1.26.0
