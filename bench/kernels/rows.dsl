/// Kernels of the suite `rows` that no tutorial has.
kernel copy(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = X[i, j];
}

kernel add(in f32 X[M, N], in f32 Z[M, N], out f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = X[i, j] + Z[i, j];
}

kernel exponential(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = exp(X[i, j]);
}

/// The tanh form of GELU.
kernel gelu(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M, j in N) {
        let x = X[i, j];
        Y[i, j] = 0.5 * x * (1 + tanh(0.7978845608 * (x + 0.044715 * x * x * x)));
    }
}

kernel row_sum(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = sum(X[i, j], j);
    }
}
