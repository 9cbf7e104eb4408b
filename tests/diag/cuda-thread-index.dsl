kernel add(in f32 X[N], out f32 Y[N])
{
    grid (b in N) {
        let i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < N) Y[i] = X[i];
    }
}
