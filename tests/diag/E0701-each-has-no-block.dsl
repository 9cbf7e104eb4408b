kernel rows(in f32 X[B, N], out f32 Y[B, N])
{
    grid (each b in B, i in N) Y[b, i] = X[b, i];
}
schedule rows { b = 4; i = 128; }
