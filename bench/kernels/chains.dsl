/// Kernels of the suite `chains`: what follows each other in a network, in one pass.
import "std/nn": gelu_tanh, layer_norm, softmax;

kernel bias_gelu(in f32 X[M, N], in f32 B[N], out f32 Y[M, N])
{
    grid (i in M, j in N) Y[i, j] = gelu_tanh(X[i, j] + B[j]);
}

/// S is the sum that the next block adds to, Y its layer norm.
kernel residual_layer_norm(in f32 X[M, N], in f32 R[M, N], in f32 W[N], in f32 B[N], out f32 S[M, N], out f32 Y[M, N])
{
    grid (i in M) {
        axis j in N;
        let x = X[i, j] + R[i, j];
        S[i, j] = x;
        Y[i, j] = layer_norm(x, W[j], B[j], j);
    }
}

kernel masked_softmax(in f32 X[M, N], in f32 mask[M, N], out f32 Y[M, N], f32 scale)
{
    grid (i in M) {
        axis j in N;
        Y[i, j] = softmax(scale * X[i, j] + mask[i, j], j);
    }
}
