import '@angular/compiler'; // components are compiled in the page here; the Angular CLI does it at build time

import { Component, Directive, ElementRef, Input, OnDestroy, OnInit, inject, provideZonelessChangeDetection, signal } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { OpenVidu, type Publisher, type StreamManager, type Subscriber } from 'openvidu-browser';

@Directive({ selector: 'video[stream]' })
class StreamDirective implements OnInit {
  @Input() stream!: StreamManager;
  private readonly element: ElementRef<HTMLVideoElement> = inject(ElementRef);

  ngOnInit(): void {
    this.stream.addVideoElement(this.element.nativeElement);
  }
}

@Component({
  selector: 'call-page',
  imports: [StreamDirective],
  template: `
    <p role="status">{{ banner() }}</p>
    <div id="me">@if (publisher(); as mine) { <video [stream]="mine" autoplay playsinline [muted]="true"></video> }</div>
    <div id="others">
      @for (subscriber of subscribers(); track subscriber.stream.streamId) {
        <video [stream]="subscriber" autoplay playsinline></video>
      }
    </div>
  `,
})
class CallPage implements OnInit, OnDestroy {
  readonly banner = signal('');
  readonly publisher = signal<Publisher | undefined>(undefined);
  readonly subscribers = signal<Subscriber[]>([]);
  private readonly openvidu = new OpenVidu();
  private readonly session = this.openvidu.initSession();

  async ngOnInit(): Promise<void> {
    this.session.on('streamCreated', ({ stream }) => {
      const subscriber = this.session.subscribe(stream, undefined);
      this.subscribers.update((others) => [...others, subscriber]);
    });
    this.session.on('streamDestroyed', ({ stream }) =>
      this.subscribers.update((others) => others.filter((other) => other.stream !== stream)),
    );
    this.session.on('reconnecting', () => this.banner.set('Reconnecting…'));
    this.session.on('reconnected', () => this.banner.set(''));
    this.session.on('sessionDisconnected', ({ reason }) => this.banner.set(`Disconnected: ${reason}`));
    const token = new URLSearchParams(location.search).get('token') ?? '';
    await this.session.connect(token, { clientData: 'Angular' });
    const mine = this.openvidu.initPublisher(undefined, { resolution: '320x240' });
    await this.session.publish(mine);
    this.publisher.set(mine);
  }

  ngOnDestroy(): void {
    this.session.disconnect();
  }
}

await bootstrapApplication(CallPage, { providers: [provideZonelessChangeDetection()] });
