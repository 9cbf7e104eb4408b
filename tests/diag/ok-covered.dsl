kernel halves(in f32 X[M, N], out f32 Y[M, N])
    where N % 2 == 0
{
    grid (i in M) {
        axis h in N / 2;
        Y[i, h] = X[i, h + N / 2];
        Y[i, h + N / 2] = X[i, h];
    }
}
kernel interleave(in f32 X[N], in f32 Z[N], out f32 Y[2 * N])
{
    grid (i in N) {
        Y[2 * i] = X[i];
        Y[2 * i + 1] = Z[i];
    }
}
kernel split_dims(in f32 X[A * B], out f32 Y[A, B])
    where B > 0
{
    grid (i in A * B) Y[i / B, i % B] = X[i];
}
kernel merge_dims(in f32 X[A, B], out f32 Y[A * B])
{
    grid (i in A, j in B) Y[i * B + j] = X[i, j];
}
kernel reverse(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[N - 1 - i] = X[i];
}
kernel concat(in f32 X[A], in f32 Z[B], out f32 Y[A + B])
{
    grid (i in A) Y[i] = X[i];
    grid (j in B) Y[A + j] = Z[j];
}
kernel choose(in f32 X[N], out f32 Y[N], bool up)
{
    if (up) {
        grid (i in N) Y[i] = X[i];
    } else {
        grid (j in N) Y[N - 1 - j] = X[j];
    }
}
kernel both(in f32 X[N], out f32 Y[N], int s)
{
    grid (i in N) {
        if (s > 3) Y[i] = X[i];
        else Y[i] = -X[i];
    }
}
kernel guards(in i32 X[N], out i32 Y[N])
{
    grid (i in N) {
        Y[i] = X[i] where X[i] > 0;
        Y[i] = -X[i] where X[i] <= 0;
    }
}
kernel inside(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i] = X[i] where i < N;
}
kernel longer(in f32 X[N], out f32 Y[M])
    where N >= M
{
    grid (i in N) Y[i] = X[i];
}
kernel blocks(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        axis u in i;
        Y[u] = X[u];
    }
}
kernel rows(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M) for (each j in N) Y[i, j] = X[i, j];
}
kernel loopblocks(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M) for (j in N) Y[i, j] = X[i, j];
}
kernel maybe(in f32 X[N], in? f32 B[N], out f32 Y[N])
{
    grid (i in N) {
        if (B) Y[i] = X[i] + B[i];
        else Y[i] = X[i];
    }
}
kernel permuted(in f32 X[N], in i32 p[N], out f32 Y[N])
    where unique(p), p < N, p >= 0
{
    grid (i in N) Y[p[i]] = X[i];
}
kernel first(in f32 X[M, N], out f32 Y[M])
    where N > 0
{
    grid (i in M, each j in N) Y[i] = X[i, j] where j == 0;
}
kernel first2(in f32 X[M, N], out f32 Y[M])
    where N > 0
{
    grid (i in M, j in N) Y[i] = f32(M) where j.first == 0;
}
kernel ends(in f32 Z[A, const H], out f32 Y[A, const K])
    where K == H + 1
{
    grid (each a in A) {
        axis k in H from 1, e in 1;
        Y[a, k] = Z[a, k];
        Y[a, e * H] = Z[a, e];
        Y[a, (e + 1) * H] = Z[a, e];
    }
}
kernel spread(in f32 X[M], out f32 Y[N, H, W, C], const int s = 2, const int t = 2, const int groups = 1)
    where s > 0, t > 0, groups > 0, C % groups == 0
{
    grid (n in N, each g in groups, each i in s, each j in t, y in ceil_div(H, s), x in ceil_div(W, t), c in C / groups)
        Y[n, y * s + i, x * t + j, g * (C / groups) + c] = X[y];
}
