/// What training needs besides: dropout, embeddings, rotary positions, optimiser steps.

/// Y = X / (1 - p), or 0 with probability p. Element n in row-major order is kept if rand(seed, n) >= p, so the same call on dY is
/// the gradient.
kernel dropout<T: float>(in T X[M, N], out T Y[M, N], f32 p, u64 seed)
{
    grid (m in M, n in N) Y[m, n] = rand(seed, m * N + n) < p ? 0 : T(widen(X[m, n]) / (1 - p));
}
grad dropout = dropout_bwd;
kernel dropout_bwd<T: float>(in T dY[M, N], out T dX[M, N], f32 p, u64 seed)
{
    grid (m in M, n in N) dX[m, n] = rand(seed, m * N + n) < p ? 0 : T(widen(dY[m, n]) / (1 - p));
}

/// Y[n] = E[ids[n]]; zero where an id is out of range
kernel embedding<T: any>(in i32 ids[N], in T E[V, D], out T Y[N, D])
{
    grid (t in N, d in D) Y[t, d] = E[ids[t], d];
}
/// dE[v] = sum of the dY[n] with ids[n] = v, by atomic additions: the order, and so the last bits, may differ between runs.
kernel embedding_bwd<T: f16 | bf16 | f32>(in i32 ids[N], in T dY[N, D], out f32 dE[V, D] = 0)
{
    grid (t in N, d in D) atomic dE[ids[t], d] += f32(dY[t, d]);
}
/// The same in a fixed order: perm lists the positions by id, those of id v from start[v] until start[v + 1].
kernel embedding_bwd_sorted<T: float>(in T dY[N, D], in i32 perm[N], in i32 start[V + 1], out wide(T) dE[V, D])
{
    grid (each v in V, d in D) {
        wide(T) a[d] = 0;
        for (t in N from start[v] until start[v + 1]) a += sum(widen(dY[perm[t], d]), t);
        dE[v, d] = a;
    }
}

/// Rotary positions: elements u and u + D/2 of a head turn by direction * pos[s] / base^(2 u / D). direction -1 is the gradient.
kernel rope<T: float>(in T X[P, S, H, const D], in i64 pos[S], out T Y[P, S, H, const D], f32 base = 10000, f32 direction = 1)
    where D % 2 == 0
{
    grid (each p in P, s in S) {
        axis h in H, u in D / 2;
        let f = wide(T)(pos[s]) * exp2(wide(T)(u) * (-2 / wide(T)(D)) * log2(wide(T)(base)));
        let c = cos(f), t = sin(f) * direction;
        let x = widen(X[p, s, h, u]), y = widen(X[p, s, h, u + D / 2]);
        Y[p, s, h, u] = T(x * c - y * t);
        Y[p, s, h, u + D / 2] = T(y * c + x * t);
    }
}

/// Stochastic gradient descent: V = momentum V + G + decay P, P = P - lr V (nesterov: lr (G + decay P + momentum V)), in place
kernel sgd<T: float>(inout T P[M, N], in T G[M, N], inout wide(T) V[M, N], f32 lr, f32 momentum = 0.9, f32 decay = 0, const bool nesterov = false)
{
    grid (m in M, n in N) {
        let p = widen(P[m, n]), g = widen(G[m, n]) + decay * p, v = momentum * V[m, n] + g;
        P[m, n] = T(p - lr * (nesterov ? g + momentum * v : v));
        V[m, n] = v;
    }
}

/// First and second moments and the step that they make, with bias correction for step number t = 1, 2, …
private fn moment_step<W: f32 | f64>(W m, W v, f32 b1, f32 b2, f32 eps, int t) -> W
{
    let c1 = W(1.0 / (1.0 - pow(f64(b1), f64(t)))), c2 = W(1.0 / sqrt(1.0 - pow(f64(b2), f64(t)))); // once: a root and a quotient are left
    return m * c1 / (sqrt(v) * c2 + eps);
}

/// Adam with L2 decay added to the gradient, in place
kernel adam<T: float>(inout T P[M, N], in T G[M, N], inout wide(T) A[M, N], inout wide(T) V[M, N],
                      f32 lr, f32 b1 = 0.9, f32 b2 = 0.999, f32 eps = 1e-8, f32 decay = 0, int step = 1)
{
    grid (m in M, n in N) {
        let p = widen(P[m, n]), g = widen(G[m, n]) + decay * p;
        let a = b1 * A[m, n] + (1 - b1) * g, v = b2 * V[m, n] + (1 - b2) * g * g;
        P[m, n] = T(p - lr * moment_step(a, v, b1, b2, eps, step));
        A[m, n] = a;
        V[m, n] = v;
    }
}

/// AdamW: the decay acts on the parameter, not on the gradient; in place
kernel adamw<T: float>(inout T P[M, N], in T G[M, N], inout wide(T) A[M, N], inout wide(T) V[M, N],
                       f32 lr, f32 b1 = 0.9, f32 b2 = 0.999, f32 eps = 1e-8, f32 decay = 0.01, int step = 1)
{
    grid (m in M, n in N) {
        let p = widen(P[m, n]), g = widen(G[m, n]);
        let a = b1 * A[m, n] + (1 - b1) * g, v = b2 * V[m, n] + (1 - b2) * g * g;
        P[m, n] = T(p - lr * (moment_step(a, v, b1, b2, eps, step) + decay * p));
        A[m, n] = a;
        V[m, n] = v;
    }
}
