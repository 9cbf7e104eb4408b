/// Normalisations with their gradients. Statistics are kept in wide(T) and two passes: mean first, then the squares of what is
/// left. Weights and biases are optional.

/// Y = (X - mu) rstd W + B over the last dimension
kernel layer_norm<T: float>(in T X[M, N], in? T W[N], in? T B[N], out T Y[M, N], out wide(T) mu[M], out wide(T) rstd[M], f32 eps = 1e-5)
{
    grid (i in M) {
        axis j in N;
        let x = widen(X[i, j]), avg = mean(x, j), d = x - avg, r = rsqrt(mean(d * d, j) + eps);
        wide(T) y[i, j] = d * r;
        if (W) y *= widen(W[j]);
        if (B) y += widen(B[j]);
        Y[i, j] = T(y);
        mu[i] = avg;
        rstd[i] = r;
    }
}

/// dX by rows: what of g = dY W lies along 1 and along h = (X - mu) rstd is projected out. dW and dB: sums over 32 rows each on the way,
/// as columns would read X and dY once more, a piece of a line at a time; then sums of these.
kernel layer_norm_bwd<T: float>(in T X[M, N], in? T W[N], in wide(T) mu[M], in wide(T) rstd[M], in T dY[M, N],
                                out T dX[M, N], out T dW[N], out T dB[N])
{
    temp wide(T) ws[(M + 31) / 32, N], bs[(M + 31) / 32, N];
    grid (each q in (M + 31) / 32) {
        axis j in N;
        wide(T) w[j] = 0, b[j] = 0;
        for (each i in M from 32 * q until min(32 * q + 32, M)) {
            let h = (widen(X[i, j]) - mu[i]) * rstd[i], dy = widen(dY[i, j]);
            wide(T) g[j] = dy;
            if (W) g *= widen(W[j]);
            let along = sum(g, j), across = sum(g * h, j);
            unchecked dX[i, j] = T((g - along / wide(T)(N) - h * (across / wide(T)(N))) * rstd[i]);
            w += dy * h;
            b += dy;
        }
        ws[q, j] = w;
        bs[q, j] = b;
    }
    grid (j in N) {
        axis q in (M + 31) / 32;
        dW[j] = T(sum(ws[q, j], q));
        dB[j] = T(sum(bs[q, j], q));
    }
}
grad layer_norm = layer_norm_bwd;

/// Y = X / sqrt(mean X^2 + eps) W over the last dimension
kernel rms_norm<T: float>(in T X[M, N], in? T W[N], out T Y[M, N], out wide(T) rstd[M], f32 eps = 1e-6)
{
    grid (i in M) {
        axis j in N;
        let x = widen(X[i, j]), r = rsqrt(mean(x * x, j) + eps);
        wide(T) y[i, j] = x * r;
        if (W) y *= widen(W[j]);
        Y[i, j] = T(y);
        rstd[i] = r;
    }
}

kernel rms_norm_bwd<T: float>(in T X[M, N], in? T W[N], in wide(T) rstd[M], in T dY[M, N], out T dX[M, N], out T dW[N])
{
    temp wide(T) ws[(M + 31) / 32, N];
    grid (each q in (M + 31) / 32) {
        axis j in N;
        wide(T) w[j] = 0;
        for (each i in M from 32 * q until min(32 * q + 32, M)) {
            let h = widen(X[i, j]) * rstd[i], dy = widen(dY[i, j]);
            wide(T) g[j] = dy;
            if (W) g *= widen(W[j]);
            unchecked dX[i, j] = T((g - h * mean(g * h, j)) * rstd[i]);
            w += dy * h;
        }
        ws[q, j] = w;
    }
    grid (j in N) {
        axis q in (M + 31) / 32;
        dW[j] = T(sum(ws[q, j], q));
    }
}
grad rms_norm = rms_norm_bwd;

/// Channels in G groups of C; a group of one sample is normalised together, weights are per channel.
kernel group_norm<T: float>(in T X[P, G, C, S], in? T W[G, C], in? T B[G, C], out T Y[P, G, C, S],
                            out wide(T) mu[P, G], out wide(T) rstd[P, G], f32 eps = 1e-5)
{
    grid (each p in P, each g in G) {
        axis c in C, s in S;
        let x = widen(X[p, g, c, s]), avg = mean(x, c, s), d = x - avg, r = rsqrt(mean(d * d, c, s) + eps);
        wide(T) y[c, s] = d * r;
        if (W) y *= widen(W[g, c]);
        if (B) y += widen(B[g, c]);
        Y[p, g, c, s] = T(y);
        mu[p, g] = avg;
        rstd[p, g] = r;
    }
}

kernel group_norm_bwd<T: float>(in T X[P, G, C, S], in? T W[G, C], in wide(T) mu[P, G], in wide(T) rstd[P, G], in T dY[P, G, C, S],
                                out T dX[P, G, C, S], out T dW[G, C], out T dB[G, C])
{
    temp wide(T) ws[P, G, C], bs[P, G, C];
    grid (each p in P, each g in G) {
        axis c in C, s in S;
        let h = (widen(X[p, g, c, s]) - mu[p, g]) * rstd[p, g], dy = widen(dY[p, g, c, s]);
        let w = sum(dy * h, s), b = sum(dy, s);
        wide(T) along[c] = b, across[c] = w, y[c, s] = dy;
        if (W) {
            along *= widen(W[g, c]);
            across *= widen(W[g, c]);
            y *= widen(W[g, c]);
        }
        let n = wide(T)(C) * wide(T)(S);
        dX[p, g, c, s] = T((y - sum(along, c) / n - h * (sum(across, c) / n)) * rstd[p, g]);
        ws[p, g, c] = w;
        bs[p, g, c] = b;
    }
    grid (g in G, c in C) {
        axis p in P;
        dW[g, c] = T(sum(ws[p, g, c], p));
        dB[g, c] = T(sum(bs[p, g, c], p));
    }
}
grad group_norm = group_norm_bwd;

/// Inference: Y = (X - mu) / sqrt(var + eps) W + B per channel
kernel batch_norm<T: float>(in T X[P, C, S], in wide(T) mu[C], in wide(T) var[C], in? T W[C], in? T B[C], out T Y[P, C, S], f32 eps = 1e-5)
{
    grid (p in P, c in C, s in S) {
        wide(T) y[p, c, s] = (widen(X[p, c, s]) - mu[c]) * rsqrt(var[c] + eps);
        if (W) y *= widen(W[c]);
        if (B) y += widen(B[c]);
        Y[p, c, s] = T(y);
    }
}

/// Training: statistics of the batch; the running ones move towards them by `momentum` (the variance unbiased, as is usual).
kernel batch_norm_train<T: float>(in T X[P, C, S], in? T W[C], in? T B[C], inout wide(T) run_mean[C], inout wide(T) run_var[C],
                                  out T Y[P, C, S], out wide(T) mu[C], out wide(T) rstd[C], f32 eps = 1e-5, f32 momentum = 0.1)
    where P * S > 1
{
    grid (c in C) {
        let n = wide(T)(P * S);
        wide(T) total[c] = 0, squares[c] = 0;
        for (each p in P) for (s in S) total += sum(widen(X[p, c, s]), s);
        let avg = total / n;
        for (each p in P) for (s in S) {
            let d = widen(X[p, c, s]) - avg;
            squares += sum(d * d, s);
        }
        mu[c] = avg;
        rstd[c] = rsqrt(squares / n + eps);
        run_mean[c] = run_mean[c] + (avg - run_mean[c]) * momentum;
        run_var[c] = run_var[c] + (squares / (n - 1) - run_var[c]) * momentum;
    }
    grid (p in P, c in C, s in S) {
        wide(T) y[p, c, s] = (widen(X[p, c, s]) - mu[c]) * rstd[c];
        if (W) y *= widen(W[c]);
        if (B) y += widen(B[c]);
        Y[p, c, s] = T(y);
    }
}

kernel batch_norm_bwd<T: float>(in T X[P, C, S], in? T W[C], in wide(T) mu[C], in wide(T) rstd[C], in T dY[P, C, S],
                                out T dX[P, C, S], out T dW[C], out T dB[C])
{
    temp wide(T) along_h[C], along_one[C];
    grid (c in C) {
        wide(T) w[c] = 0, b[c] = 0;
        for (each p in P) for (s in S) {
            let dy = widen(dY[p, c, s]);
            w += sum(dy * ((widen(X[p, c, s]) - mu[c]) * rstd[c]), s);
            b += sum(dy, s);
        }
        dW[c] = T(w);
        dB[c] = T(b);
        along_h[c] = w / wide(T)(P * S);
        along_one[c] = b / wide(T)(P * S);
    }
    grid (p in P, c in C, s in S) {
        let h = (widen(X[p, c, s]) - mu[c]) * rstd[c];
        wide(T) g[p, c, s] = (widen(dY[p, c, s]) - along_one[c] - h * along_h[c]) * rstd[c];
        if (W) g *= widen(W[c]);
        dX[p, c, s] = T(g);
    }
}
grad batch_norm_train = batch_norm_bwd;
