kernel odd(in f32 X[N], out f32 Y[N])
{
    grid (i in N / 2) Y[i] = X[i];
}
kernel halves_odd(in f32 X[M, N], out f32 Y[M, N])
{
    grid (i in M) {
        axis h in N / 2;
        Y[i, h] = X[i, h + N / 2];
        Y[i, h + N / 2] = X[i, h];
    }
}
kernel shifted(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i + 1] = X[i];
}
kernel one_branch(in f32 X[N], out f32 Y[N], bool up)
{
    grid (i in N) {
        if (up) Y[i] = X[i];
    }
}
kernel one_phase(in f32 X[N], out f32 Y[N], bool up)
{
    if (up) {
        grid (i in N) Y[i] = X[i];
    }
}
kernel other_map(in f32 X[N], out f32 Y[N])
{
    grid (each i in N) {
        if (X[i] > 0) Y[i] = 1;
        else unchecked Y[N - 1 - i] = 2;
    }
}
kernel maybe_empty(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M) for (each j in N) Y[i] = X[i, j];
}
kernel in_while(in f32 X[N], out f32 Y[N], int n)
{
    grid (i in N) {
        int k = 0;
        while (k < n) {
            Y[i] = X[i];
            k += 1;
        }
    }
}
kernel part(in f32 X[N], out f32 Y[N], int a)
{
    grid (i in N from a) Y[i] = X[i];
}
kernel shorter(in f32 X[N], out f32 Y[M])
    where N <= M
{
    grid (i in N) Y[i] = X[i];
}
kernel every_other(in f32 X[N], out f32 Y[N])
{
    grid (each i in N step 2) Y[i] = X[i];
}
kernel twice(in f32 X[N], out f32 Y[2 * N])
{
    grid (i in N) Y[i] = X[i];
    grid (j in N) Y[j] = X[j] + 1;
}
kernel diagonal(in f32 X[N], out f32 Y[N, N])
{
    grid (i in N) Y[i, i] = X[i];
}
kernel never(in f32 X[N], out f32 Y[N], out f32 Z[N])
{
    grid (i in N) Y[i] = X[i];
}
kernel guards_f(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        Y[i] = X[i] where X[i] > 0;
        Y[i] = -X[i] where X[i] <= 0;
    }
}
kernel first(in f32 X[M, N], out f32 Y[M])
{
    grid (i in M, each j in N) Y[i] = X[i, j] where j == 0;
}
