kernel method(in f32 X[N], out f32 Y[N])
{
    grid (i in N) Y[i] = X[i].exp();
}
kernel assigned(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        value = X[i];
        Y[i] = 1;
    }
}
kernel formatted(in f32 X[N], out f32 Y[N])
{
    grid (i in N) {
        printf("%d", i);
        Y[i] = X[i];
    }
}
