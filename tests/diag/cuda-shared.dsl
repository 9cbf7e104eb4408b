kernel add(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        __shared__ f32 tile[128];
        __syncthreads();
        Y[i] = X[i];
    }
}
