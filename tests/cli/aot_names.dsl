// Two variants of one kernel in a program, and parameters whose names C and C++ have taken.
kernel names<T: float>(in T args[N], in? T new[N], out T rt[N], f32 register = 1.5, const i64 class = 3)
{
    grid (i in N) rt[i] = T(f32(args[i]) * register + (new ? f32(new[i]) : 0.25) * f32(class));
}
