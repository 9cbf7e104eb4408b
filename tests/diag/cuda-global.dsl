__global__ void add(const float* X, float* Y, int n)
{
    int i = threadIdx.x;
    Y[i] = X[i];
}
