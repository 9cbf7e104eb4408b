/// P programs that do next to nothing: what it costs to start them and to wait for them.
kernel programs(in f32 X[P], out f32 Y[P])
{
    grid (each p in P) Y[p] = X[p] + 1;
}
