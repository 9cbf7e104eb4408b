kernel after_flag(inout i32 flag[1], out f32 Y[N])
{
    grid (i in N) {
        while (flag[0] == 0) {
        }
        Y[i] = 1;
    }
}
