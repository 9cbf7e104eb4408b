kernel k(out i32 Y[N], int n)
{
    grid (i in N) {
        i32 x = 0;
        if (n) x = 1;
        Y[i] = x;
    }
}
