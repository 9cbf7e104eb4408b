kernel add(ptr f32 p, out f32 Y[N])
{
    grid (i in N) Y[i] = *(p + i);
}
