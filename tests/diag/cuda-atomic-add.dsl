kernel histogram(in i32 X[N], out i32 H[256] = 0)
{
    grid (i in N) atomicAdd(&H[X[i]], 1);
}
