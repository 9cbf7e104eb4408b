kernel narrow(in f32 X[N], out bf16 Y[N])
{
    grid (i in N) Y[i] = X[i].to(bf16);
}
