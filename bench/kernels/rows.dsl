/// Kernels of the suite `rows` that no tutorial has.
import "std/nn": gelu_tanh;

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
    grid (i in M, j in N) Y[i, j] = gelu_tanh(X[i, j]);
}

kernel row_sum(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) {
        axis j in N;
        Y[i] = sum(X[i, j], j);
    }
}
