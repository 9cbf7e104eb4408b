kernel sum_rows(in f32 X[B, N], out f32 Y[N])
{
    grid (each b in B, i in N) Y[i] = X[b, i];
}
