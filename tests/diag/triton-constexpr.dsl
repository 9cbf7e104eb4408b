kernel add(in f32 X[N], out f32 Z[N], BLOCK: constexpr)
{
    grid (i in N) Z[i] = X[i];
}
