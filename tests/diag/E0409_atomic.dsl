kernel k(in u8 X[N], out i32 H[256])
{
    grid (i in N) atomic H[int(X[i])] += 1;
}
