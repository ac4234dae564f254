// Threads that wait for work, and a barrier between them. One pool serves the process; after a fork the child
// starts its own.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

namespace backtalk {

// Where all threads of a job meet. The last to arrive runs `alone` before anyone goes on.
class Barrier {
public:
    explicit Barrier(int threads);
    template <class F>
    void meet(F alone) {
        if (threads_ == 1) return alone();
        const unsigned round = round_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
            alone();
            arrived_.store(0, std::memory_order_relaxed);
            release();
        } else {
            wait(round);
        }
    }

private:
    void release();
    void wait(unsigned round);

    const int threads_, spins_;
    std::atomic<int> arrived_{0};
    std::atomic<unsigned> round_{0};
    std::mutex mutex_;
    std::condition_variable changed_;
};

// Items 0 ... count - 1, a contiguous share for each thread, which then helps the others with theirs. In every round a
// thread begins with the same items: what it wrote for them last time is still in its own caches.
class Shares {
public:
    explicit Shares(int threads) : threads_(threads), shares_(new Share[threads]) {}
    void deal(int64_t count) {
        for (int t = 0; t < threads_; ++t) {
            shares_[t].next.store(count * t / threads_, std::memory_order_relaxed);
            shares_[t].end = count * (t + 1) / threads_;
        }
    }
    template <class F>
    void take(int index, F work) {
        for (int turn = 0; turn < threads_; ++turn) {
            Share &share = shares_[(index + turn) % threads_];
            for (int64_t item; (item = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;) work(item);
        }
    }

private:
    struct alignas(64) Share {
        std::atomic<int64_t> next{0};
        int64_t end = 0;
    };
    const int threads_;
    std::unique_ptr<Share[]> shares_;
};

// How many threads, this one among them, are there to work together, of so many that are wanted. Those that are missing
// are started; once the system has refused one, no other is asked for.
int ready_threads(int wanted);

// Runs work(0) here and work(1) ... work(threads - 1) on other threads, of so many that are ready; comes back when all
// are done. If the pool serves somebody else, all of it runs here, one after the other: `work` must not wait for its
// siblings then, so it is told how many threads there are: work(index, threads).
void run_on_threads(int threads, const std::function<void(int, int)> &work);

int processors();  // that this process may use

void watch_forks();  // once, before anything runs
unsigned forks();    // that lie between the first process and this one

// A mutex that the child of a fork finds unlocked: nobody is left there who would unlock it. There it is another one,
// whichever thread asks first; the parent's stays, locked as it may be.
class ForkedMutex {
public:
    std::mutex &get() {
        Own *own = own_.load(std::memory_order_acquire);
        if (own->forks != forks()) {
            Own *made = new Own;
            if (own_.compare_exchange_strong(own, made, std::memory_order_acq_rel)) return made->mutex;
            delete made;
        }
        return own->mutex;
    }
    ForkedMutex() = default;
    ~ForkedMutex() {
        if (own_.load()->forks == forks()) delete own_.load();
    }
    ForkedMutex(const ForkedMutex &) = delete;
    ForkedMutex &operator=(const ForkedMutex &) = delete;

private:
    struct Own {
        std::mutex mutex;
        const unsigned forks = backtalk::forks();
    };
    std::atomic<Own *> own_{new Own};
};

}  // namespace backtalk
