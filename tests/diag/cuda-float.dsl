kernel add(in float X[N], out float Y[N])
{
    grid (i in N) Y[i] = X[i];
}
