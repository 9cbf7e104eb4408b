kernel k(out i32 Y[N])
{
    grid (i in N) Y[i] = i32(i.index);
}
