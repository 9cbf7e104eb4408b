/// Halves of a tensor in turn: right with a step of the launch, wrong with one of the instance, and wrong where both are one half.
kernel mine(in f32 X[N], out f32 Y[N], int n)
{
    temp f32 t[2, N];
    grid (i in N) {
        for (each s in n) t[1 - s % 2, i] = t[s % 2, i - 1] + X[i];
        Y[i] = X[i];
    }
}
kernel same(in f32 X[N], out f32 Y[N], int n)
{
    temp f32 t[2, N];
    for (each s in n) {
        grid (i in N) t[s % 2, i] = t[2 - s % 2, i - 1] + X[i];
    }
    grid (i in N) Y[i] = X[i];
}
