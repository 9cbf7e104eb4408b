kernel strided(in f32 X[N], out f32 Y[M], int ld)
{
    grid (i in N) Y[i * ld] = X[i];
}
