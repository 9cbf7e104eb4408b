/// Layer normalisation of each row, keeping mean and 1/std for the backward pass.
kernel layer_norm<T: f16 | bf16 | f32>(in T X[M, N], in T W[N], in T Bi[N], out T Y[M, N], out f32 mean[M], out f32 rstd[M], f32 eps = 1e-5)
{
    grid (i in M) {
        axis j in N;
        let x = f32(X[i, j]);
        let mu = sum(x, j) / f32(N), r = rsqrt(sum((x - mu) * (x - mu), j) / f32(N) + eps);
        Y[i, j] = T((x - mu) * r * f32(W[j]) + f32(Bi[j]));
        mean[i] = mu;
        rstd[i] = r;
    }
}

/// dX by rows, then dW and dB by columns: two phases of one launch.
kernel layer_norm_bwd<T: f16 | bf16 | f32>(in T X[M, N], in T W[N], in f32 mean[M], in f32 rstd[M], in T dY[M, N],
                                           out T dX[M, N], out T dW[N], out T dB[N])
{
    grid (i in M) {
        axis j in N;
        let h = (f32(X[i, j]) - mean[i]) * rstd[i], g = f32(dY[i, j]) * f32(W[j]);
        let a = sum(g, j) / f32(N), b = sum(g * h, j) / f32(N);
        dX[i, j] = T((g - a - h * b) * rstd[i]);
    }
    grid (j in N) {
        f32 w[j] = 0, b[j] = 0;
        for (i in M) {
            let dy = f32(dY[i, j]);
            w += sum(dy * (f32(X[i, j]) - mean[i]) * rstd[i], i);
            b += sum(dy, i);
        }
        dW[j] = T(w);
        dB[j] = T(b);
    }
}
