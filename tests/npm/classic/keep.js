window.kept.First = window.OpenVidu;
