// What each system does in its own way: processors, and processes that fork. Included by pool.cpp alone.
#pragma once

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <pthread.h>
#endif
#ifdef __linux__
#include <sched.h>
#endif

#include <thread>

namespace backtalk {

inline void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

// How many processors this process may use
inline int allowed_processors() {
#if defined(__linux__)
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#elif defined(_WIN32)
    DWORD_PTR mine = 0, all = 0;  // 0 if the process has threads in several groups of 64 processors
    if (GetProcessAffinityMask(GetCurrentProcess(), &mine, &all) && mine) return __builtin_popcountll(mine);
#endif
    return int(std::thread::hardware_concurrency());
}

// The processor on which this thread runs, or -1 where leave_processor does nothing
inline int processor_here() {
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}

// A thread that was woken often begins on the processor of whoever woke it, and Linux takes milliseconds to part them.
// Whoever finds itself there moves to another one that it may use.
inline void leave_processor(int taken) {
#ifdef __linux__
    cpu_set_t mine, others;
    if (taken < 0 || sched_getcpu() != taken || sched_getaffinity(0, sizeof mine, &mine) != 0) return;
    others = mine;
    CPU_CLR(taken, &others);
    if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
    sched_setaffinity(0, sizeof mine, &mine);
#else
    (void)taken;
#endif
}

// Runs `begin_anew` in the child of every fork; Windows has none
inline void in_child_of_fork(void (*begin_anew)()) {
#ifdef _WIN32
    (void)begin_anew;
#else
    pthread_atfork(nullptr, nullptr, begin_anew);
#endif
}

}  // namespace backtalk
