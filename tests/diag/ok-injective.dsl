/// Stores that look risky and are safe.
kernel two_halves(in f32 X[B, N], out f32 Y[B, N] = 0)
{
    grid (each b in B) {
        axis u in N / 2;
        Y[b, u] = X[b, 2 * u];
        Y[b, u + N / 2] = X[b, 2 * u + 1];
    }
}
kernel even_odd(in f32 X[N], out f32 Y[M]) where M == 2 * N
{
    grid (i in N) {
        Y[2 * i] = X[i];
        Y[2 * i + 1] = -X[i];
    }
}
kernel partial_sums(in f32 X[N], out f32 P[Z] = 0, out f32 S[1])
{
    temp f32 t[Z];
    grid (i in N) {
        let s = sum(X[i], i);
        t[i.block] = s;
        P[i.block] = s;
    }
    grid {
        axis z in Z;
        S[0] = sum(t[z], z);
    }
}
kernel first_only(in f32 X[N], out f32 Y[2] = 0)
{
    grid (each i in N) {
        Y[1] = X[0] where i == 0;
        if (i == 0) Y[0] = X[1];
    }
}
kernel permute(in f32 X[N, D], in i32 perm[N], out f32 Y[N, D] = 0) where unique(perm)
{
    grid (i in N, d in D) Y[perm[i], d] = X[i, d];
}
kernel pixel_shuffle(in f32 X[H, W, C], out f32 Y[P, Q, 1], const int r)
    where P == H * r, Q == W * r, C == r * r
{
    grid (h in H, w in W) {
        axis c in r * r;
        Y[h * r + c / r, w * r + c % r, 0] = X[h, w, c];
    }
}
kernel rows_in_place(inout f32 X[M, N])
{
    grid (i in M) {
        axis j in N, k in N;
        let s = sum(X[i, k], k);
        X[i, j] = X[i, j] / s;
    }
}
kernel padded(in f32 X[M, N], inout f32 Y[L], int ld) where ld >= N
{
    grid (i in M, j in N) Y[i * ld + j] = X[i, j];
}
kernel ragged(in i32 off[G + 1], in f32 X[R], out f32 Y[R] = 0) where sorted(off)
{
    grid (each g in G, r in R from off[g] until off[g + 1]) Y[r] = X[r] * f32(g);
}
kernel inside_block(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        axis u in i;
        let x = X[i];
        Y[i] = x[i = i.last] + x[i = u] [u = i];
    }
}
/// What a step reads lies in the half that it does not write.
kernel steps(in f32 X[N], out f32 Y[N], int n)
{
    temp f32 t[2, N];
    grid (i in N) t[0, i] = X[i];
    for (each s in n) {
        grid (i in N) t[1 - s % 2, i] = t[s % 2, i - 1] + t[s % 2, i + 1];
    }
    grid (i in N) Y[i] = t[n % 2, i];
}
